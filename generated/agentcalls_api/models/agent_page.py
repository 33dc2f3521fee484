from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.agent import Agent
    from ..models.page_meta import PageMeta


T = TypeVar("T", bound="AgentPage")


@_attrs_define
class AgentPage:
    """One page of the team's agents."""

    message: str
    """ A word for people. """
    meta: None | PageMeta
    """ Where this page stands in the listing; null when the server omits it. """
    data: list[Agent]
    """ The agents of this page, in the order asked for; at most `limit` of them. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.page_meta import PageMeta  # noqa: PLC0415

        message = self.message

        meta: dict[str, Any] | None
        if isinstance(self.meta, PageMeta):
            meta = self.meta.to_dict()
        else:
            meta = self.meta

        data = []
        for data_item_data in self.data:
            data_item = data_item_data.to_dict()
            data.append(data_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "message": message,
                "meta": meta,
                "data": data,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.agent import Agent  # noqa: PLC0415
        from ..models.page_meta import PageMeta  # noqa: PLC0415

        d = dict(src_dict)
        message = d.pop("message")

        def _parse_meta(data: object) -> None | PageMeta:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                meta_type_0 = PageMeta.from_dict(data)

                return meta_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PageMeta, data)

        meta = _parse_meta(d.pop("meta"))

        data = []
        _data = d.pop("data")
        for data_item_data in _data:
            data_item = Agent.from_dict(data_item_data)

            data.append(data_item)

        agent_page = cls(
            message=message,
            meta=meta,
            data=data,
        )

        agent_page.additional_properties = d
        return agent_page

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
