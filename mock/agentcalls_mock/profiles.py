"""What an agent tells of itself: made up, a function of its place in the roster and a moment."""

from datetime import datetime, timedelta
from typing import NamedTuple

from agentcalls_mock.data import timestamp

STATUSES = ("live", "paused", "development")

_NAMES = ("Front desk", "Bookings", "Réception", "Night line", "Reminders", "Surveys", "Billing")
_LANGUAGES = ("en", "en-GB", "fr", None)
_PERSONAS = ("friendly", "professional", "concise", None)
_ZONES = ("Europe/London", "Africa/Lagos", "America/New_York", None)
_REASONS = {"live": None, "paused": "Paused by the team.", "development": "Not published yet."}


class Profile(NamedTuple):
    """One row of the agents' listing, in the order of the contract; times as `timestamp` does."""

    id: str
    name: str
    description: str
    language: str | None
    persona: str | None
    workflow_id: str | None
    timezone: str | None
    logo: str | None
    business_name: str | None
    business_address: str | None
    business_email: str | None
    business_description: str | None
    test_channel_code: str | None
    status: str | None
    status_reason: str | None
    escalation_email: str | None
    created_at: str
    updated_at: str


def profile_of(agent_id: str, place: int, now: datetime) -> Profile:
    """The profile of the agent at this place of the roster, 0-based: the first is live, the second paused, and so on.

    All were created before the oldest call; their places say nothing of when.
    """
    name = _NAMES[place % len(_NAMES)]
    status = STATUSES[place % len(STATUSES)]
    created = now - timedelta(days=40 + place * 7 % 11, minutes=place)
    return Profile(
        id=agent_id,
        name=name if place < len(_NAMES) else f"{name} {place // len(_NAMES) + 1}",
        description=f"Takes the calls of: {name}.",
        language=_LANGUAGES[place % len(_LANGUAGES)],
        persona=_PERSONAS[place % len(_PERSONAS)],
        workflow_id=f"workflow_{place + 1}",
        timezone=_ZONES[place % len(_ZONES)],
        logo=None,
        business_name="The Shop",
        business_address=None,
        business_email="shop@example.com",
        business_description="Sells things." if place % 2 else None,
        test_channel_code=f"test-{place + 1}",
        status=status,
        status_reason=_REASONS[status],
        escalation_email=None,
        created_at=timestamp(int(created.timestamp() * 1000)),
        updated_at=timestamp(int((created + timedelta(days=place % 5)).timestamp() * 1000)),
    )
