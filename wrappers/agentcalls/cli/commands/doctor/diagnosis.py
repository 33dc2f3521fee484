"""The findings of `doctor`, from the settings and one probe. Nothing is sent here."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

import agentcalls
from agentcalls import settings
from agentcalls.cli.connect import masked, without_keys
from agentcalls.cli.failures import Code, Failure, code_of, sentence_of
from agentcalls.described import quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agentcalls import Page
    from agentcalls.cli.connect import Profile, Setting

# Each check needs the one before; if one fails, the others are unknown.
_CHAIN = ("settings", "host", "rate limit", "key", "scope", "agent", "contract")
_DEFAULTS = {
    "api_key": None,
    "base_url": None,
    "auth": settings.AUTH,
    "timeout": settings.TIMEOUT,
    "deadline": settings.DEADLINE,
    "allow_http": settings.ALLOW_HTTP,
    "max_retries": settings.MAX_RETRIES,
}
_FORMS = {"base_url": r"https?://.*", "auth": r"bearer|x-api-key"}
_LONGEST_SKEW_SECONDS = 30
_LOW_SHARE = 0.1


@frozen
class Finding:
    """One line of the checklist."""

    name: str
    standing: Literal["ok", "warning", "failed", "skipped"]
    detail: str
    code: Code = Code.FINE
    """The exit code, if it failed."""


@frozen(kw_only=True)
class Attempt:
    """The result of the one request: a page or an error."""

    agent: str | None
    """The agent that was queried; None if none was named."""
    page: Page | None
    error: Exception | None
    """Why there is no page."""
    headers: Mapping[str, str]
    """The answer's headers, with names in lower case; empty without an answer."""
    at: datetime
    """When the answer came, by this machine's clock."""


def shown(found: Mapping[str, Setting]) -> list[dict[str, Any]]:
    """Each setting with its value (secrets masked), its unit if it has one, and its origin."""
    return [
        {
            "setting": name,
            "value": _harmless(name, found[name].value) if name in found else default,
            "from": without_keys(found[name].origin) if name in found else "default",
        }
        for name, default in _DEFAULTS.items()
        if name in found or default is not None
    ]


def findings(probe: Attempt, profile: Profile) -> Iterator[Finding]:
    """The checklist, from the settings to the clock."""
    error = probe.error
    culprit = error and _culprit(error, probe.agent)
    broken = False
    for name in _CHAIN:
        if broken:
            yield Finding(name, "skipped", f"not checked, since {culprit} failed")
        elif error and name == culprit:
            broken = True
            said = without_keys(sentence_of(error) or repr(error))
            yield Finding(name, "failed", said, code_of(error))
        else:
            yield _passed(name, probe, profile)
    yield _clock(probe)


def _culprit(error: Exception, agent: str | None) -> str | None:
    if isinstance(error, Failure | agentcalls.ConfigurationError):
        return "settings"
    if isinstance(error, agentcalls.RateLimitError):
        return "rate limit"
    if isinstance(error, agentcalls.AuthenticationError):
        return "key"
    if isinstance(error, agentcalls.PermissionDeniedError):
        return "scope"
    # The API's own 404 has a code; any other 404 means another server or another path.
    if isinstance(error, agentcalls.NotFoundError) and error.code:
        return "agent" if agent else None
    return "host"


def _passed(name: str, probe: Attempt, profile: Profile) -> Finding:
    page = probe.page
    if name == "settings":
        warning = profile.warning
        return (
            Finding(name, "warning", warning)
            if warning
            else Finding(name, "ok", "a key and a host")
        )
    # A 404 may come from another server or path: it proves less than a page.
    proven = "valid" if page else "not refused; name an agent to prove it"
    if probe.agent and page is None:
        proven = "not refused"
    if said := {"host": "answers", "key": proven, "scope": proven}.get(name):
        return Finding(name, "ok", said)
    if name == "rate limit":
        return _rate_limit(probe)
    if page is None:
        return Finding(name, "skipped", "name an agent to check this")
    if name == "agent":
        return Finding(
            name, "ok", quantity(page.meta.total_count, "call") if page.meta else "there"
        )
    return _contract(page)


def _contract(page: Page) -> Finding:
    if not page.problems:
        return Finding("contract", "ok", f"no problem in a page of {quantity(len(page), 'call')}")
    first = page.problems[0]
    where = f"call {first.call_id}" if first.call_id else f"row {first.row}"
    what = f"{first.field or 'the row'} {first.why} ({where})"
    sentence = f"{quantity(len(page.problems), 'problem')}; the first: {what}"
    return Finding("contract", "failed", sentence, Code.FAILED)


def _rate_limit(probe: Attempt) -> Finding:
    limit = agentcalls.RateLimit.from_headers(probe.headers)
    if limit is None or limit.remaining is None or not limit.limit:
        return Finding("rate limit", "skipped", "the answer does not say")
    reset = f", until {limit.reset:%H:%M:%S} UTC" if limit.reset else ""
    is_low = limit.remaining < limit.limit * _LOW_SHARE
    detail = f"{limit.remaining:,} of {quantity(limit.limit, 'request')} left{reset}"
    return Finding("rate limit", "warning" if is_low else "ok", detail)


def _clock(probe: Attempt) -> Finding:
    try:
        date = parsedate_to_datetime(probe.headers["date"])
        # An HTTP date is always in GMT, even if it does not say so.
        skew = probe.at - (date if date.tzinfo else date.replace(tzinfo=UTC))
    except (KeyError, ValueError):
        why = (
            "the answer does not say the time"
            if probe.headers or probe.page
            else "there was no answer"
        )
        return Finding("clock", "skipped", why)
    seconds = round(skew.total_seconds())
    if abs(seconds) <= _LONGEST_SKEW_SECONDS:
        return Finding("clock", "ok", f"within {_LONGEST_SKEW_SECONDS} s of the server's")
    side = "ahead of" if seconds > 0 else "behind"
    detail = f"{abs(seconds):,} s {side} the server's; --since 24h counts from this machine's clock"
    return Finding("clock", "warning", detail)


def _harmless(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # A value that does not look like such a setting may be the key.
    if not re.fullmatch(_FORMS.get(name, ""), value):
        return masked(value)
    return re.sub(r"//[^/]*@", "//…@", without_keys(value))
