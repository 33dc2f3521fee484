from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="PageMeta")


@_attrs_define
class PageMeta:
    """Where a page stands in its listing, at the moment it was read."""

    total_count: int
    """ Rows of the listing that match the filters, over all pages; a number of rows. """
    page_count: int
    """ Pages that these rows fill at this `limit`; a number of pages. """
    current_page: int
    """ The number of this page, 1-based. """
    limit: int
    """ The page size that was applied; rows a page. """
    has_next_page: bool
    """ Whether a page follows this one. """
    has_previous_page: bool
    """ Whether a page precedes this one. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total_count = self.total_count

        page_count = self.page_count

        current_page = self.current_page

        limit = self.limit

        has_next_page = self.has_next_page

        has_previous_page = self.has_previous_page

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total_count": total_count,
                "page_count": page_count,
                "current_page": current_page,
                "limit": limit,
                "has_next_page": has_next_page,
                "has_previous_page": has_previous_page,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        total_count = d.pop("total_count")

        page_count = d.pop("page_count")

        current_page = d.pop("current_page")

        limit = d.pop("limit")

        has_next_page = d.pop("has_next_page")

        has_previous_page = d.pop("has_previous_page")

        page_meta = cls(
            total_count=total_count,
            page_count=page_count,
            current_page=current_page,
            limit=limit,
            has_next_page=has_next_page,
            has_previous_page=has_previous_page,
        )

        page_meta.additional_properties = d
        return page_meta

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
