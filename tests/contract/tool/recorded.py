"""Answers in HAR files: those of others, held against the contract, and our own, written without keys and numbers."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import attrs
import httpx

from contract.tool.contract import OPENAPI, PATH
from contract.tool.host import Finding, Host, hold, whole_numbers
from contract.tool.live import UnusableError, _nobody

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from contract.tool.verdict import Mask, Verdict

_KNOWN = re.compile(PATH.replace("/{agentId}/calls", "(?:/([^/]+)/calls(?:/[^/]+)?)?"))
_CREDENTIALS = ("authorization", "x-api-key")
_FILTERED, _KEY = "[Filtered]", "key-that-was-filtered"
# Of an answer, what the contract speaks of: a cookie opens more than this API.
_TOLD = {"content-type", "date", *map(str.lower, OPENAPI["components"]["headers"])}
_KEPT = ("accept", "x-request-id", *_CREDENTIALS)


@attrs.frozen
class Read:
    """How many answers of a file were held against the contract, and how many were not, by why."""

    held: int
    ignored: dict[str, int]


def hold_recorded(file: Path, verdict: Verdict, mask: Mask, base_url: str | None = None) -> Read:
    """Hold the answers of a HAR file against the contract, each by itself; raises `UnusableError`.

    They are those of one host: `base_url`'s, or else the one of which there are most.
    """
    try:
        entries = json.loads(file.read_text("utf-8-sig"))["log"]["entries"]
        origins = Counter(_origin(entry) for entry in entries if _is_known(entry))
    except OSError as error:
        raise UnusableError(f"{file} cannot be read: {error.strerror}.") from None
    except (LookupError, TypeError, ValueError, AttributeError):
        raise UnusableError(f"{file} is not a HAR file: it has no log.entries with URLs.") from None
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(base_url)) if base_url else None
    if not origins or (origin and origin not in origins):
        raise UnusableError(f"{file} has no answer to GET {PATH}{f' of {origin}' * bool(origin)}.")
    origin = origin or origins.most_common(1)[0][0]
    ignored: Counter[str] = Counter()
    held = 0
    for entry in entries:
        if why := _why_not(entry, origin):
            ignored[why] += 1
        else:
            held += 1
            _hold(entry, origin, verdict, mask)
    if not held:
        whys = ", ".join(f"{number} {why}" for why, number in sorted(ignored.items()))
        raise UnusableError(f"{file} has no answer that can be held: {whys}.")
    return Read(held, dict(ignored))


def _origin(entry: dict[str, Any]) -> str:
    url = urlsplit(entry["request"]["url"])
    return f"{url.scheme}://{url.netloc}"


def _is_known(entry: dict[str, Any]) -> bool:
    return bool(_KNOWN.fullmatch(urlsplit(entry["request"]["url"]).path))


def _why_not(entry: dict[str, Any], origin: str) -> str:
    response = entry.get("response") or {}
    if _origin(entry) != origin:
        return "of another host"
    if not _is_known(entry):
        return "of another path"
    if entry["request"]["method"] != "GET":
        return "of another method"
    if not response.get("status") or response["status"] == httpx.codes.NOT_MODIFIED:
        return "without an answer"
    if "text" not in response.get("content", {}):
        return "without the answer's body"
    return ""


def _hold(entry: dict[str, Any], origin: str, verdict: Verdict, mask: Mask) -> None:
    recorded, content = entry["request"], entry["response"]["content"]
    headers = {it["name"].lower(): it["value"] for it in recorded["headers"]}
    # Not the others: a cookie opens more than this API.
    kept = {
        name: value.replace(_FILTERED, _KEY) for name, value in headers.items() if name in _KEPT
    }
    request = httpx.Request("GET", recorded["url"], headers=kept)
    shown = [kept[name].split(" ")[-1] for name in _CREDENTIALS if name in kept]
    mask.hide(shown)
    text: str = content["text"]
    response = httpx.Response(
        entry["response"]["status"],
        # The body is decoded already, of whatever encoding and length it was.
        headers=[
            (it["name"], it["value"])
            for it in entry["response"]["headers"]
            if it["name"].lower() not in ("content-encoding", "content-length", "transfer-encoding")
        ],
        content=base64.b64decode(text) if content.get("encoding") == "base64" else text.encode(),
        request=request,
    )
    response.elapsed = timedelta(milliseconds=max(0, entry.get("time") or 0))
    mask.learn(response)
    host = Host(
        ask=_nobody,
        base_url=origin,
        key=next((key for key in shown if len(key) > 7), ""),
        agent=unquote((_KNOWN.fullmatch(urlsplit(recorded["url"]).path) or [None, ""])[1] or ""),
        note=verdict.note,
        patience_seconds=float("inf"),  # how slow the way was, the file does not say
    )
    try:
        hold(host, request, response, whole_numbers(recorded["url"]))
    except Finding as finding:
        verdict.note(finding)


def as_har(responses: Iterable[httpx.Response], mask: Mask) -> str:
    """The exchanges as a HAR file that shows no key and no number, to be held against a changed contract."""
    entries = [
        {
            "startedDateTime": mask.text(response.headers.get("Date", "")),
            "time": response.elapsed.total_seconds() * 1000,
            "request": {
                "method": response.request.method,
                "url": mask.text(str(response.request.url)),
                "httpVersion": response.http_version,
                "headers": [
                    {"name": name, "value": _FILTERED if name in _CREDENTIALS else mask.text(value)}
                    for name, value in response.request.headers.items()
                    if name in _KEPT
                ],
            },
            "response": {
                "status": response.status_code,
                "statusText": mask.text(response.reason_phrase),
                "headers": [
                    {"name": name, "value": mask.text(value)}
                    for name, value in response.headers.multi_items()
                    if name in _TOLD
                ],
                "content": {
                    "mimeType": mask.text(response.headers.get("Content-Type", "")),
                    "text": mask.body(response.content.decode("utf-8", "replace")),
                },
            },
        }
        for response in responses
    ]
    har = {"log": {"version": "1.2", "creator": {"name": "agentcalls"}, "entries": entries}}
    return json.dumps(har, ensure_ascii=False)
