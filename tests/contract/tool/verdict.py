"""What a run found, sorted by who is wrong, and told without keys and phone numbers."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import suppress
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import attrs
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from contract.tool.contract import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

    from contract.tool.host import Culprit, Finding

# 7 to 15 digits, as people write numbers; not a part of a uuid, of a moment or of a word.
_NUMBER = re.compile(
    r"(?<![\w-])(?<!\d[:.])\+?\(?\d(?:[ ().\-\u00a0]{0,2}\d){6,}(?![\w-])", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d\b")
# A text in JSON, with its name where it is an id, and what follows where it is a name itself.
_TEXT = re.compile(r'("(?:id|request_id)"\s*:\s*)?("(?:[^"\\]|\\.)*")(\s*:)?')

HEADINGS: dict[Culprit, str] = {
    "the contract": "The contract is wrong (the answers agree with themselves, not with openapi.yaml)",
    "the API": "The API is wrong (its answers contradict themselves, each other, or HTTP)",
}


@attrs.define
class Seen:
    """A finding, how often it was made, and what else is to be said of it."""

    finding: Finding
    times: int = 1
    remark: str = ""
    by: str = ""  # the property that compared answers; empty where one answer shows it


@attrs.define
class Verdict:
    """What was found, what holds, and what was not looked at, with why."""

    found: dict[tuple[str, ...], Seen] = attrs.field(factory=dict)
    held: list[str] = attrs.field(factory=list)
    unsure: dict[str, Finding] = attrs.field(factory=dict)  # by property: seen once, and not again
    unchecked: dict[str, str] = attrs.field(factory=dict)
    spent: dict[str, int] = attrs.field(factory=dict)  # requests, by what they were for
    remarks: list[str] = attrs.field(factory=list)  # what is no finding, and worth to be known

    @property
    def status(self) -> int:
        """How a run ends: 0 if nothing was found, 1 if the contract is wrong, 3 if the API is."""
        return 3 if self.by("the API") else int(bool(self.by("the contract")))

    def note(self, finding: Finding, remark: str = "", *, by: str = "") -> None:
        """Keep a finding, once for all the calls and pages that show the same."""
        sentence = re.sub(r"^Call \S+ (\(\w+\) )?", "Call … ", finding.sentence)
        if finding.change:
            place, words = finding.change
            key: tuple[str, ...] = (*place, words)
        elif finding.alone and not sentence.startswith("The status is"):
            key = (re.sub(r"\d+", "…", sentence),)
        else:
            key = (sentence,)
        if key in self.found:
            self.found[key].times += 1
        else:
            self.found[key] = Seen(finding, remark=remark, by=by)

    def by(self, culprit: Culprit) -> list[Seen]:
        """The findings for which one is to blame, the most frequent first."""
        seen = [item for item in self.found.values() if item.finding.wrong == culprit]
        return sorted(seen, key=lambda item: -item.times)


class Mask:
    """Hides what must not be in a report: keys and phone numbers, those of calls and what else looks like one."""

    def __init__(self, secrets: Iterable[str | None] = ()) -> None:
        self.secrets: set[str] = set()
        self.hide(secrets)
        self.origins: dict[str, str] = {}
        # The numbers of `origins` without their plus: those of digits only are looked up, the others searched for.
        self._digits: set[str] = set()
        self._others: set[str] = set()

    def hide(self, secrets: Iterable[str | None]) -> None:
        """Take these for keys, but for what is too short to be one."""
        self.secrets |= {secret for secret in secrets if secret and len(secret) > 7}

    def learn(self, response: httpx.Response) -> None:
        """Take the numbers of a page's calls for such."""
        body = None
        with suppress(ValueError):  # what is wrong with a body is for others to say
            body = response.json()
        self._learn(body)

    def _learn(self, node: Any) -> None:
        if isinstance(node, dict):
            for name in ("destination", "source"):
                number = str(node.get(name))
                if number not in self.origins and re.search(r"\d{4}", number):
                    self.origins[number] = f"the {name} of call {node.get('id')}"
                    plain = number.lstrip("+")
                    (self._digits if re.fullmatch(r"\d+", plain) else self._others).add(plain)
            node = list(node.values())
        for item in node if isinstance(node, list) else ():
            if isinstance(item, dict | list):
                self._learn(item)

    def text(self, text: str) -> str:
        """The text without them; a number keeps its form, its length and its last two digits."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "[key]").replace(secret.upper(), "[KEY]")
            text = text.replace(secret[:-1], "[key]")
        if "sk_" in text:
            text = re.sub(r"\bsk_(?!0+\b)\w{4,}", "[key]", text)
        text = re.sub(r"search=(?:%2B|\+)?[^&\s'\"]*\d{4}[^&\s'\"]*", "search=%2B10000000000", text)
        text = re.sub(r"(\+|%2B)([1-9]\d{5,14})", lambda it: it[1] + _stand_in(it[2]), text)
        # Numbers in another form, as this host writes them.
        if self._digits or self._others:
            others = map(re.escape, sorted(self._others, key=len, reverse=True))
            known = "|".join([*others, r"\d{4,}"])
            text = re.sub(rf"(?<!\d)(?:{known})(?!\d)", self._known, text)
        return text

    def _known(self, found: re.Match[str]) -> str:
        number = found[0]
        return _stand_in(number) if number in self._digits or number in self._others else number

    def sentence(self, sentence: str) -> str:
        """The sentence, in which what an answer said stands in quotes."""
        own, *told = re.split("(?=[\"'])", sentence, maxsplit=1)
        return self.text(own + "".join(map(_without_numbers, told)))

    def body(self, body: str) -> str:
        """The body; in JSON, its texts without any number of 7 to 15 digits, but for the ids."""
        try:
            json.loads(body)
        except ValueError:
            return self.text(_without_numbers(body))
        return self.text(_TEXT.sub(_literal, body))

    def request(self, curl: str) -> Iterator[str]:
        """The command, with a variable for the text of a search that shows a number, and what the variable is."""
        *_, url = shlex.split(curl)
        query = urlsplit(url).query
        searched = next((part for part in query.split("&") if part.startswith("search=")), "")
        text = parse_qs(searched).get("search", [""])[0]
        if re.search(r"\d{4}|\+\d", text) or _without_numbers(text) != text:
            curl = curl.replace(searched, "search='\"$NUMBER\"'")
            yield self.text(curl)
            yield f"NUMBER is {self._origin(text)}, with %2B for its plus"
        else:
            yield self.text(curl)

    def _origin(self, text: str) -> str:
        if text in self.origins:
            return self.origins[text]
        # A wildcard in it, as a property tries them.
        for number, origin in self.origins.items():
            if number[:4] == text[:4] and number.endswith(text[5:]):
                return (
                    f"{origin}, in which {text[4:5]} stands for what follows the fourth character"
                )
        return "a number that no call has"


def _literal(found: re.Match[str]) -> str:
    return found[0] if found[1] or found[3] else _masked(found[2])


@lru_cache(10_000)  # from page to page, most of the texts are the same
def _masked(literal: str) -> str:
    value = json.loads(literal)
    masked = _without_numbers(value)
    return literal if masked == value else json.dumps(masked)


def _without_numbers(text: str) -> str:
    """The text, in which a number keeps its form, its length and its last two digits."""

    def mask(found: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", found[0])
        if len(digits) > 15 or _DATE.match(found[0]):
            return found[0]
        shown = iter(_stand_in(digits))
        return re.sub(r"\d", lambda _: next(shown), found[0])

    return _NUMBER.sub(mask, text)


def _stand_in(number: str) -> str:
    digits = len(re.sub(r"\D", "", number))
    return "1" + "0" * max(0, digits - 3) + re.sub(r"\D", "", number)[-2:]


def written(verdict: Verdict, mask: Mask) -> str:
    """The verdict for people to read."""
    lines: list[str] = []
    for culprit, heading in HEADINGS.items():
        if seen := verdict.by(culprit):
            lines += ["", heading]
        for number, item in enumerate(seen, 1):
            lines += [f"  {number}. {mask.sentence(item.finding.sentence)}", *_details(item, mask)]
    if verdict.unsure:
        lines += ["", "Seen once and not again, as when calls change in between"]
    for name, finding in verdict.unsure.items():
        lines += [f"  {name}: {mask.sentence(finding.sentence)}"]
        lines += [f"     {line}" for line in mask.request(finding.curl)]
    if verdict.remarks:
        lines += ["", "Remarks", *(f"  {mask.text(remark)}" for remark in verdict.remarks)]
    if verdict.spent:
        shares = (f"{number} on {what}" for what, number in verdict.spent.items())
        lines += ["", f"Requests: {', '.join(shares)}"]
    if verdict.held:
        lines += ["", f"Held: {', '.join(verdict.held)}"]
    if verdict.unchecked:
        lines += ["", "Not checked"]
        reasons = dict.fromkeys(verdict.unchecked.values())
        lines += [
            f"  {mask.sentence(why)}: {', '.join(_because_of(why, verdict))}" for why in reasons
        ]
    return "\n".join(lines).lstrip("\n")


def _because_of(reason: str, verdict: Verdict) -> list[str]:
    return [name for name, why in verdict.unchecked.items() if why == reason]


def _details(item: Seen, mask: Mask) -> Iterator[str]:
    finding = item.finding
    if finding.change:
        place, words = finding.change
        where = f"{'.'.join(place)}, line {line_of(place)}"
        yield f"     Change openapi.yaml: {mask.sentence(words)} ({where})."
    if item.times > 1:
        yield f"     Seen {item.times} times, the first time in answer to"
    for line in mask.request(finding.curl):
        yield f"     {line}"
    if finding.beside:
        yield "     compared with"
        yield from (f"       {line}" for line in mask.request(finding.beside))
    if finding.request_id:
        yield f"     X-Request-Id: {mask.text(finding.request_id)}"
    if item.remark:
        yield f"     {item.remark}"


def line_of(place: tuple[str, ...]) -> int:
    """The line of openapi.yaml at which a place stands, or what of it there is."""
    node = _contract_with_lines()
    line = 0
    for name in place:
        if isinstance(node, CommentedSeq):
            line, node = node.lc.item(int(name))[0], node[int(name)]
        elif isinstance(node, CommentedMap) and name in node:
            # Of what a merge or an alias brings in, the line is that of what it is brought into.
            line = node.lc.key(name)[0] if name in node.lc.data else line
            node = node[name]
        else:
            break
    return line + 1


@cache
def _contract_with_lines() -> Any:
    return YAML().load(ROOT / "openapi.yaml")
