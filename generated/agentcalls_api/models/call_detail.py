from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.call_message import CallMessage


T = TypeVar("T", bound="CallDetail")


@_attrs_define
class CallDetail:
    """One telephony call of an agent with its transcript, as it stood when it was read."""

    id: str
    """ The call's id; unique, and the same in every listing. """
    source: None | str
    """ The caller's number in E.164 form; null when it is not known. """
    destination: str
    """ The called number in E.164 form. """
    status: str
    """ How far the call has come. Known values: queued, ringing, answered, ended, busy, failed, cancelled; others
    may appear. """
    direction: str
    """ Who placed the call. Known values: inbound, outbound; others may appear. """
    created_on: datetime.datetime
    """ When the call was created, an ISO 8601 timestamp with its offset. """
    duration_seconds: int | None
    """ How long the call lasted, in seconds; null when it did not take place or is not over. """
    is_test_call: bool
    """ Whether this is a test call rather than a live one. """
    error_reason: None | str
    """ Why the call failed, as free text or a code; null when it did not. """
    end_reason: None | str
    """ Why the call ended, as free text or a code; null while it has not. """
    ringing_at: datetime.datetime | None
    """ When the other side began to ring, an ISO 8601 timestamp with its offset; null when it did not. """
    ended_at: datetime.datetime | None
    """ When the call ended, an ISO 8601 timestamp with its offset; null while it has not. """
    conversation_logs: list[CallMessage]
    """ The transcript, message by message; it may be empty. """
    started_at: datetime.datetime | None | Unset = UNSET
    """ When the call was started, an ISO 8601 timestamp with its offset. """
    answered_at: datetime.datetime | None | Unset = UNSET
    """ When the call was answered, an ISO 8601 timestamp with its offset. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        source: None | str
        source = self.source

        destination = self.destination

        status = self.status

        direction = self.direction

        created_on = self.created_on.isoformat()

        duration_seconds: int | None
        duration_seconds = self.duration_seconds

        is_test_call = self.is_test_call

        error_reason: None | str
        error_reason = self.error_reason

        end_reason: None | str
        end_reason = self.end_reason

        ringing_at: None | str
        if isinstance(self.ringing_at, datetime.datetime):
            ringing_at = self.ringing_at.isoformat()
        else:
            ringing_at = self.ringing_at

        ended_at: None | str
        if isinstance(self.ended_at, datetime.datetime):
            ended_at = self.ended_at.isoformat()
        else:
            ended_at = self.ended_at

        conversation_logs = []
        for conversation_logs_item_data in self.conversation_logs:
            conversation_logs_item = conversation_logs_item_data.to_dict()
            conversation_logs.append(conversation_logs_item)

        started_at: None | str | Unset
        if isinstance(self.started_at, Unset):
            started_at = UNSET
        elif isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        answered_at: None | str | Unset
        if isinstance(self.answered_at, Unset):
            answered_at = UNSET
        elif isinstance(self.answered_at, datetime.datetime):
            answered_at = self.answered_at.isoformat()
        else:
            answered_at = self.answered_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "source": source,
                "destination": destination,
                "status": status,
                "direction": direction,
                "created_on": created_on,
                "duration_seconds": duration_seconds,
                "is_test_call": is_test_call,
                "error_reason": error_reason,
                "end_reason": end_reason,
                "ringing_at": ringing_at,
                "ended_at": ended_at,
                "conversation_logs": conversation_logs,
            }
        )
        if started_at is not UNSET:
            field_dict["started_at"] = started_at
        if answered_at is not UNSET:
            field_dict["answered_at"] = answered_at

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.call_message import CallMessage  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        def _parse_source(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        source = _parse_source(d.pop("source"))

        destination = d.pop("destination")

        status = d.pop("status")

        direction = d.pop("direction")

        created_on = datetime.datetime.fromisoformat(d.pop("created_on"))

        def _parse_duration_seconds(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        duration_seconds = _parse_duration_seconds(d.pop("duration_seconds"))

        is_test_call = d.pop("is_test_call")

        def _parse_error_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        error_reason = _parse_error_reason(d.pop("error_reason"))

        def _parse_end_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        end_reason = _parse_end_reason(d.pop("end_reason"))

        def _parse_ringing_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ringing_at_type_0 = datetime.datetime.fromisoformat(data)

                return ringing_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        ringing_at = _parse_ringing_at(d.pop("ringing_at"))

        def _parse_ended_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ended_at_type_0 = datetime.datetime.fromisoformat(data)

                return ended_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        ended_at = _parse_ended_at(d.pop("ended_at"))

        conversation_logs = []
        _conversation_logs = d.pop("conversation_logs")
        for conversation_logs_item_data in _conversation_logs:
            conversation_logs_item = CallMessage.from_dict(conversation_logs_item_data)

            conversation_logs.append(conversation_logs_item)

        def _parse_started_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        started_at = _parse_started_at(d.pop("started_at", UNSET))

        def _parse_answered_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                answered_at_type_0 = datetime.datetime.fromisoformat(data)

                return answered_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        answered_at = _parse_answered_at(d.pop("answered_at", UNSET))

        call_detail = cls(
            id=id,
            source=source,
            destination=destination,
            status=status,
            direction=direction,
            created_on=created_on,
            duration_seconds=duration_seconds,
            is_test_call=is_test_call,
            error_reason=error_reason,
            end_reason=end_reason,
            ringing_at=ringing_at,
            ended_at=ended_at,
            conversation_logs=conversation_logs,
            started_at=started_at,
            answered_at=answered_at,
        )

        call_detail.additional_properties = d
        return call_detail

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
