"""The time zone of a command, for the days and times that are typed and shown."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from attrs import frozen

from agentcalls.checks import did_you_mean
from agentcalls.cli.failures import Code, Failure

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    import typer


@frozen
class Zone:
    """A time zone: the one that a command was given, otherwise that of the machine."""

    tz: tzinfo | None = None

    @property
    def asked(self) -> tzinfo | str:
        """What `client.calls.list` takes as `tz`."""
        return self.tz or "local"

    @property
    def is_utc(self) -> bool:
        """Whether times are marked as those of UTC."""
        return self.tz is UTC

    def of(self, moment: datetime) -> datetime:
        """The moment in this zone; unchanged if the zone cannot represent it."""
        try:
            return moment.astimezone(self.tz)
        except (OverflowError, ValueError, OSError):
            return moment

    def name(self, moment: datetime) -> str:
        """The name and offset of the zone at this moment."""
        zoned = self.of(moment)
        name = zoned.tzname() or "UTC"
        return name if name == "UTC" else f"{name} (UTC{zoned:%z})"


def chosen_zone(ctx: typer.Context) -> Zone:
    """The zone of `--tz` or `--utc`, otherwise this machine's; raises `Failure` for both and for an unknown name."""
    tz, utc = ctx.obj["tz"], ctx.obj["utc"]
    if tz is None:
        return Zone(UTC if utc else None)
    if utc:
        raise Failure("--utc and --tz contradict each other.", Code.USAGE)
    try:
        return Zone(UTC if tz == "UTC" else ZoneInfo(tz))
    except (ValueError, OSError, LookupError):
        raise Failure(
            f"--tz takes the name of a time zone, such as Europe/Berlin; this machine knows no {tz!r}."
            + did_you_mean(tz, available_timezones()),
            Code.USAGE,
        ) from None
