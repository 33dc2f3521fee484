"""What was said in a call: made up, a function of the call as it stands, so that it fits its status."""

from datetime import datetime
from random import Random
from typing import Any

from agentcalls_mock.data import Call, timestamp

_GREETING = "Hello, this is the front desk of The Shop. How can I help you?"
_ASKED = (
    "Do you have it in blue?",
    "When do you open tomorrow?",
    "I would like to change my order, please.",
    "Can you call me back at {number}?",
    "Sorry, I did not catch that.",
)
_ANSWERED = (
    "Yes, we have two left.",
    "We open at nine.",
    "I have changed that for you.",
    "I have noted {number}.",
    "Let me say that again, more slowly.",
)
_GOODBYE = {
    "agent_ended_call": "Thank you for calling. Goodbye!",
    "voicemail": "Please call us back. Goodbye!",
    "silence_timeout": "I cannot hear you, so I will hang up. Goodbye!",
    "transferred_to_human": "I am putting you through to a colleague.",
}
_ALONE = {"voicemail", "silence_timeout"}
_MOST = 40
_SECONDS_A_MESSAGE = 6


def detail_of(call: Call) -> dict[str, Any]:
    """What a call in detail has beyond a listed one: `started_at`, `answered_at` and `conversation_logs`.

    Only a call that was answered has a transcript. It begins with the agent, and all of it lies between the answer and
    the end of the call.
    """
    random = Random(call.id)  # noqa: S311  # made-up data, not a secret
    answered = call.ringing_at if call.status in ("answered", "ended") else None
    return {
        "started_at": None if call.status == "queued" else call.created_on,
        "answered_at": answered,
        "conversation_logs": [] if answered is None else _messages(call, answered, random),
    }


def _messages(call: Call, answered: str, random: Random) -> list[dict[str, Any]]:
    start = _milliseconds(answered)
    end = max(start, _milliseconds(call.ended_at or answered))
    said = [("assistant", _GREETING)]
    if call.end_reason not in _ALONE:
        for _ in range(min(_MOST, (end - start) // 1000 // (2 * _SECONDS_A_MESSAGE))):
            topic = random.randrange(len(_ASKED))
            said += [("user", _ASKED[topic]), ("assistant", _ANSWERED[topic])]
    if call.end_reason in _GOODBYE:
        said.append(("assistant", _GOODBYE[call.end_reason]))
    customer = call.source if call.direction == "inbound" else call.destination
    step = (end - start) // len(said)
    messages = [
        _message(call, number, role, text.format(number=customer), start + number * step)
        for number, (role, text) in enumerate(said)
    ]
    if len(messages) > 3 and random.random() < 0.2:  # noqa: PLR2004
        url = f"https://example.com/{call.id}.png"
        messages[1] |= {
            "message": None,
            "message_type": "image",
            "attachments": [{"type": "image", "url": url}],
        }
    return messages


def _message(call: Call, number: int, role: str, text: str, moment: int) -> dict[str, Any]:
    return {
        "id": f"{call.id}-{number + 1}",
        "role": role,
        "message": text,
        "message_type": "text",
        "created_at": timestamp(moment),
        "attachments": [],
    }


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)
