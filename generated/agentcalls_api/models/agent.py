from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Agent")


@_attrs_define
class Agent:
    """A voice agent, as it stood when the page was read."""

    id: str
    """ The agent's id; unique. """
    name: str
    """ What the team calls it. """
    description: str
    """ What it is for, as free text. """
    created_at: datetime.datetime
    """ When the agent was created, an ISO 8601 timestamp with its offset. """
    updated_at: datetime.datetime
    """ When the agent was last changed, an ISO 8601 timestamp with its offset. """
    language: None | str | Unset = UNSET
    """ The language that it speaks. """
    persona: None | str | Unset = UNSET
    """ How it speaks. Known values: professional, friendly, concise; others may appear. """
    workflow_id: None | str | Unset = UNSET
    """ The id of the workflow that it follows. """
    timezone: None | str | Unset = UNSET
    """ The time zone that it lives in. """
    logo: None | str | Unset = UNSET
    """ Its picture. """
    business_name: None | str | Unset = UNSET
    """ The name of the business that it speaks for. """
    business_address: None | str | Unset = UNSET
    """ The address of that business. """
    business_email: None | str | Unset = UNSET
    """ The e-mail address of that business. """
    business_description: None | str | Unset = UNSET
    """ What that business does. """
    test_channel_code: None | str | Unset = UNSET
    """ The code of its test channel. """
    status: None | str | Unset = UNSET
    """ Whether it works. Known values: development, live, paused; others may appear. """
    status_reason: None | str | Unset = UNSET
    """ Why it has that status. """
    escalation_email: None | str | Unset = UNSET
    """ Whom it writes to when a person is needed. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name = self.name

        description = self.description

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        language: None | str | Unset
        if isinstance(self.language, Unset):
            language = UNSET
        else:
            language = self.language

        persona: None | str | Unset
        if isinstance(self.persona, Unset):
            persona = UNSET
        else:
            persona = self.persona

        workflow_id: None | str | Unset
        if isinstance(self.workflow_id, Unset):
            workflow_id = UNSET
        else:
            workflow_id = self.workflow_id

        timezone: None | str | Unset
        if isinstance(self.timezone, Unset):
            timezone = UNSET
        else:
            timezone = self.timezone

        logo: None | str | Unset
        if isinstance(self.logo, Unset):
            logo = UNSET
        else:
            logo = self.logo

        business_name: None | str | Unset
        if isinstance(self.business_name, Unset):
            business_name = UNSET
        else:
            business_name = self.business_name

        business_address: None | str | Unset
        if isinstance(self.business_address, Unset):
            business_address = UNSET
        else:
            business_address = self.business_address

        business_email: None | str | Unset
        if isinstance(self.business_email, Unset):
            business_email = UNSET
        else:
            business_email = self.business_email

        business_description: None | str | Unset
        if isinstance(self.business_description, Unset):
            business_description = UNSET
        else:
            business_description = self.business_description

        test_channel_code: None | str | Unset
        if isinstance(self.test_channel_code, Unset):
            test_channel_code = UNSET
        else:
            test_channel_code = self.test_channel_code

        status: None | str | Unset
        if isinstance(self.status, Unset):
            status = UNSET
        else:
            status = self.status

        status_reason: None | str | Unset
        if isinstance(self.status_reason, Unset):
            status_reason = UNSET
        else:
            status_reason = self.status_reason

        escalation_email: None | str | Unset
        if isinstance(self.escalation_email, Unset):
            escalation_email = UNSET
        else:
            escalation_email = self.escalation_email

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "description": description,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )
        if language is not UNSET:
            field_dict["language"] = language
        if persona is not UNSET:
            field_dict["persona"] = persona
        if workflow_id is not UNSET:
            field_dict["workflow_id"] = workflow_id
        if timezone is not UNSET:
            field_dict["timezone"] = timezone
        if logo is not UNSET:
            field_dict["logo"] = logo
        if business_name is not UNSET:
            field_dict["business_name"] = business_name
        if business_address is not UNSET:
            field_dict["business_address"] = business_address
        if business_email is not UNSET:
            field_dict["business_email"] = business_email
        if business_description is not UNSET:
            field_dict["business_description"] = business_description
        if test_channel_code is not UNSET:
            field_dict["test_channel_code"] = test_channel_code
        if status is not UNSET:
            field_dict["status"] = status
        if status_reason is not UNSET:
            field_dict["status_reason"] = status_reason
        if escalation_email is not UNSET:
            field_dict["escalation_email"] = escalation_email

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        name = d.pop("name")

        description = d.pop("description")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        def _parse_language(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        language = _parse_language(d.pop("language", UNSET))

        def _parse_persona(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        persona = _parse_persona(d.pop("persona", UNSET))

        def _parse_workflow_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        workflow_id = _parse_workflow_id(d.pop("workflow_id", UNSET))

        def _parse_timezone(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        timezone = _parse_timezone(d.pop("timezone", UNSET))

        def _parse_logo(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        logo = _parse_logo(d.pop("logo", UNSET))

        def _parse_business_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        business_name = _parse_business_name(d.pop("business_name", UNSET))

        def _parse_business_address(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        business_address = _parse_business_address(d.pop("business_address", UNSET))

        def _parse_business_email(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        business_email = _parse_business_email(d.pop("business_email", UNSET))

        def _parse_business_description(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        business_description = _parse_business_description(
            d.pop("business_description", UNSET)
        )

        def _parse_test_channel_code(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        test_channel_code = _parse_test_channel_code(d.pop("test_channel_code", UNSET))

        def _parse_status(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        status = _parse_status(d.pop("status", UNSET))

        def _parse_status_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        status_reason = _parse_status_reason(d.pop("status_reason", UNSET))

        def _parse_escalation_email(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        escalation_email = _parse_escalation_email(d.pop("escalation_email", UNSET))

        agent = cls(
            id=id,
            name=name,
            description=description,
            created_at=created_at,
            updated_at=updated_at,
            language=language,
            persona=persona,
            workflow_id=workflow_id,
            timezone=timezone,
            logo=logo,
            business_name=business_name,
            business_address=business_address,
            business_email=business_email,
            business_description=business_description,
            test_channel_code=test_channel_code,
            status=status,
            status_reason=status_reason,
            escalation_email=escalation_email,
        )

        agent.additional_properties = d
        return agent

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
