"""A model of a host at rest: the listings of its agents and of their calls, against which any answer is held.

A listing is read once, and so is its order for each `sort`, what each text finds, and each call in detail. Of these the
contract says little: they are learned, and from then on they are constant. Whatever is combined, in whatever order it
is asked, shows the slice that they imply; and what a request has beyond that changes nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import attrs
import httpx

from contract.tool.contract import PATH
from contract.tool.extras import PLAIN, Extra
from contract.tool.host import Answer, Finding, ask, curl
from contract.tool.learning import Search
from contract.tool.others import AGENTS, different
from contract.tool.properties import keys, mentions, walked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contract.tool.host import Host, Query, Row

REFUSED = 400
_LIMIT, _LEFT, _RESET = (f"X-RateLimit-{it}" for it in ("Limit", "Remaining", "Reset"))
_DECIDE = ("status", "is_test_call", "search", "sort")  # which rows there are, and their order
AWAY = (301, 302, 307, 308, REFUSED, 404)  # what another path may be


def listing(agent: str) -> str:
    """The path of an agent's calls."""
    return str(PATH).replace("{agentId}", quote(agent, safe=""))


def detail(agent: str, call: str) -> str:
    """The path of a call."""
    return f"{listing(agent)}/{quote(call, safe='')}"


def kind_of(path: str) -> str:
    """Which of the operations a path is of."""
    return "agents" if path == AGENTS else "call" if "/calls/" in path else "calls"


@attrs.define
class Model:
    """What is known of a host; it asks for the rest when it is needed."""

    host: Host
    rows: dict[str, dict[str, Row]] = attrs.field(factory=dict)  # by path and id
    last: dict[str, Answer] = attrs.field(factory=dict)  # the last page of it
    orders: dict[tuple[str, str], list[str] | None] = attrs.field(factory=dict)
    shown: dict[tuple[str, str], Answer] = attrs.field(factory=dict)  # a page of each
    searches: dict[str, Search] = attrs.field(factory=dict)  # by operation
    finds: dict[tuple[str, str], set[str]] = attrs.field(factory=dict)
    statuses: dict[tuple[str, str], set[str] | None] = attrs.field(factory=dict)
    matches: dict[tuple[object, ...], list[Row] | None] = attrs.field(factory=dict)
    details: dict[str, Answer] = attrs.field(factory=dict)
    messages: dict[str, Answer] = attrs.field(factory=dict)  # by id
    limited: dict[tuple[str, str], Answer] = attrs.field(factory=dict)  # by operation and key
    spent: Counter[str] = attrs.field(
        factory=Counter
    )  # requests of a key since the model was asked for
    spent_then: dict[tuple[str, str], tuple[int, int]] = attrs.field(factory=dict)
    per_operation: set[bool] = attrs.field(factory=lambda: {True, False})  # what a limit is of
    errors: dict[tuple[object, ...], tuple[str, Answer]] = attrs.field(factory=dict)
    taken: dict[tuple[str, ...], Answer] = attrs.field(factory=dict)  # what a host may refuse
    limits: dict[str, int] = attrs.field(factory=dict)  # where none is asked for
    ids: dict[str, Answer] = attrs.field(factory=dict)  # that the host made
    echoes: dict[str, Answer] = attrs.field(factory=dict)  # by the request's own id
    cookies: set[str] = attrs.field(factory=set)
    sent: list[httpx.Request] = attrs.field(factory=list)  # by the machine, since it began anew

    # What is learned

    def listed(self, path: str) -> dict[str, Row]:
        """All the rows of a listing, by id."""
        if path not in self.rows:
            rows, last = self._walk(path, self._plain(path))
            self.rows[path], self.last[path] = {row["id"]: row for row in rows}, last
            last.expect(len(rows) == last.total, "The pages do not make up the total.")
            self.limits[path] = int(self._ask(path, {}).meta["limit"])
        return self.rows[path]

    def order(self, path: str, sort: str) -> list[str] | None:
        """The ids of a listing in an order; None where the host refuses it."""
        if (path, sort) not in self.orders:
            plain = self._plain(path)
            refusable = sort and sort.removeprefix("-") != plain.get("sort")
            query: Query = {"limit": self.host.whole, **({"sort": sort} if sort else {})}
            first = self._ask(path, query, status=(200, REFUSED) if refusable else (200,))
            order = None
            if first.response.is_success:
                rows, last = walked(self.host, query, path=path, first=first)
                same = {row["id"]: row for row in rows} == self.listed(path)
                said = f"With sort={sort}, other rows are listed than with {plain or 'none'}."
                same = same and len(rows) == len(self.listed(path))
                last.beside(self.last[path]).expect(same, said)
                order = keys(rows, "id")
                self.shown[path, sort] = last
            self.orders[path, sort] = order
        return self.orders[path, sort]

    def found(self, path: str, text: str) -> set[str]:
        """The ids of the rows that a search finds, each of which has the text."""
        if (path, text) not in self.finds:
            rows, last = self._walk(path, {**self._plain(path), "search": text})
            alien = next((row["id"] for row in rows if not mentions(row, text)), None)
            said = f"Call {alien} does not have the text that was searched for."
            last.expect(alien is None or path == AGENTS, said)
            strange = set(keys(rows, "id")) - self.listed(path).keys()
            said = f"A search finds {min(strange, default='')}, never listed."
            last.beside(self.last[path]).expect(not strange, said)
            self.finds[path, text] = set(keys(rows, "id"))
            search = self.searches.setdefault(kind_of(path), Search())
            wrong = search.contradiction(self.listed(path), text, self.finds[path, text], last)
            if wrong:
                said = f"{wrong[0]} is found by a text, in a place where another row is not."
                wrong[1].beside(wrong[2]).wrong(said)
        return self.finds[path, text]

    def status(self, path: str, value: str) -> set[str] | None:
        """The statuses that a filter shows: its own, and no other; None where the host refuses it.

        Whether case and spaces around it count, and a list of several, is for each host to say.
        """
        known = {row["status"] for row in self.listed(path).values()}
        if value in known:
            return {value}
        if (path, value) not in self.statuses:
            query: Query = {**self._plain(path), "status": value, "limit": self.host.whole}
            answer = self._ask(path, query, status=(200, REFUSED))
            shown: set[str] | None = None
            if answer.response.is_success:
                shown = set(keys(self._walk(path, query)[0], "status"))
                named = {it.strip().casefold() for it in value.split(",")}
                alike = {it for it in known if it.casefold() in named or value == ""}
                said = f"status={value} shows calls that are {', '.join(sorted(shown - alike))}."
                answer.expect(shown in (set(), alike), said)
            self.statuses[path, value] = shown
        return self.statuses[path, value]

    def detailed(self, agent: str, call: str) -> Answer:
        """A call in detail, as it was when it was first asked for."""
        path = detail(agent, call)
        if path not in self.details:
            answer = self._ask(path)
            other = different(self.host, self.listed(listing(agent))[call], answer.body["data"])
            said = f"Call {call} is another in detail: {', '.join(other)}."
            if other:
                raise answer.finding(said, beside=self._beside(listing(agent), {}, call))
            logs = answer.body["data"]["conversation_logs"]
            for message in logs:
                said = f"Message {message['id']} is of two calls."
                first = self.messages.setdefault(message["id"], answer)
                answer.beside(first).expect(first is answer, said)
            self.details[path] = answer
        return self.details[path]

    def matching(self, path: str, query: Query) -> list[Row] | None:
        """The rows that a query shows, on whatever page; None where the host refuses it."""
        key = (path, *((name, query.get(name)) for name in _DECIDE))
        if key not in self.matches:
            self.matches[key] = self._matching(path, query)
        return self.matches[key]

    def _matching(self, path: str, query: Query) -> list[Row] | None:
        rows, order = self.listed(path), self.order(path, str(query.get("sort", "")))
        statuses = self.status(path, str(query["status"])) if "status" in query else set[str]()
        if order is None or statuses is None:
            return None
        return [rows[id_] for id_ in order if self._matches(rows[id_], path, query, statuses)]

    def takes(self, path: str, name: str, query: Query) -> bool:
        """Whether a host takes, by itself, what the contract does not name or does not allow."""
        key = (kind_of(path), name)
        if key not in self.taken:
            self.taken[key] = self._ask(path, query, status=(200, REFUSED))
        return self.taken[key].response.is_success

    # What is held

    def hold(self, path: str, query: Query, headers: dict[str, str], extra: Extra = PLAIN) -> None:
        """Ask for a page, and compare the answer with what is known."""
        wanted = self.matching(path, query)
        answer = self._with(path, query, headers, extra, (REFUSED,) if wanted is None else (200,))
        if answer is None or wanted is None:
            return
        page, limit = int(query.get("page", 1)), int(query.get("limit", self.limits[path]))
        slice_ = wanted[(page - 1) * limit : page * limit]

        def expect(condition: object, sentence: str, call: str = "") -> None:
            if not condition:
                raise answer.finding(sentence, beside=self._beside(path, query, call))

        said = f"{len(wanted)} calls match, and total_count is {answer.total}."
        expect(answer.total == len(wanted), said)
        expect(answer.meta["limit"] == limit, f"limit is {answer.meta['limit']}, and was {limit}.")
        missing = next((row["id"] for row in slice_ if row not in answer.rows), "")
        expect(not missing, f"Call {missing} belongs here, as it was listed.", missing)
        said = "The rows are in another order than without filters."
        first = slice_[0]["id"] if slice_ else ""
        expect(keys(answer.rows, "id") == keys(slice_, "id"), said, first)

    def hold_detail(
        self, agent: str, call: str, headers: dict[str, str], extra: Extra = PLAIN
    ) -> None:
        """Ask for a call, and compare it with what it was."""
        before = self.detailed(agent, call)
        answer = self._with(detail(agent, call), {}, headers, extra, (200,))
        if answer is not None and answer.body != before.body:
            beside = curl(self.host, before.request)
            raise answer.finding(f"Call {call} is another than before.", beside=beside)

    def refuse(
        self,
        path: str,
        query: Query,
        wrong: Extra,
        status: Iterable[int] = (401,),
        extra: Extra = PLAIN,
    ) -> None:
        """Ask with what does not open, and with the cookies of earlier answers; what is told is told to all alike."""
        jar = {"Cookie": "; ".join(sorted(self.cookies))} if self.cookies else {}
        headers = {**jar, **extra.headers, **wrong.headers}
        asked = extra.asked({**wrong.query, **query})
        if "HEAD" in (wrong.method, extra.method):
            self._head(path, asked, headers, status)
            return
        answer = self._ask(path, asked, headers, status, body=wrong.body or extra.body, meant=query)
        self._same_error(answer, (wrong.name, extra.language), "")

    def absent(
        self,
        agent: str,
        call: str | None = None,
        headers: dict[str, str] | None = None,
        query: Query | None = None,
        extra: Extra = PLAIN,
    ) -> Answer | None:
        """Ask for an agent or a call that is not there: whether it is another's or nobody's, is not told."""
        path = listing(agent) if call is None else detail(agent, call)
        headers = {**(self.host.credential if headers is None else headers), **extra.headers}
        asked = extra.asked(query or {})
        if extra.method == "HEAD":
            self._head(path, asked, headers, (404, REFUSED))
            return None
        answer = self._ask(path, asked, headers, (404, REFUSED), body=extra.body)
        if answer.response.status_code != REFUSED:
            is_known = listing(agent) in self.rows
            named = call if is_known and call else agent
            self._same_error(answer, (kind_of(path), is_known, extra.language), named)
        return answer

    def respelt(self, path: str, other: str, *, opens: bool) -> None:
        """Ask for a path that is another: it opens to whom the first does, and to nobody else."""
        headers = self.host.credential if opens else {}
        url = f"{self.host.base_url.rstrip('/')}{other}"
        request = httpx.Request("GET", url, headers={"Accept": "application/json", **headers})
        answer = Answer(self.host, request, self.host.ask(request), {})
        status = answer.response.status_code
        said = f"The status is {status} and not 404."
        answer.expect(status in (*AWAY, 200 if opens else 401), said)
        if status == httpx.codes.OK:
            first = self._ask(path)
            said = "Another path is answered, with other data."
            same = answer.response.json() == first.body
            answer.beside(first).expect(same, said)

    def number(self, path: str, name: str, text: str, number: int) -> None:
        """Ask with a number that is spelt otherwise: it is refused, or it is that number."""
        answer = self._ask(path, {name: text}, status=(200, REFUSED), meant={name: number})
        if answer.response.is_success:
            self.hold(path, {name: number}, self.host.credential)

    def ask(self, path: str, query: str) -> Answer:
        """The answer to a query that has a meaning, or is refused."""
        return self._ask(path, query, status=(200, REFUSED))

    def sort(self, path: str, text: str) -> None:
        """Ask for an order that is none: it is refused, or lists what there is."""
        answer = self._ask(path, {"sort": text}, status=(200, REFUSED))
        if answer.response.is_success:
            said = f"sort={text} changes how many rows there are."
            same = answer.total == len(self.listed(path))
            answer.beside(self.last[path]).expect(same, said)

    def beyond(self, path: str, limit: int, page: int) -> None:
        """Ask for a page far past the end: it is refused, or it is empty."""
        answer = self._ask(path, {"limit": limit, "page": page}, status=(200, REFUSED))
        answer.expect(not answer.body.get("data"), f"Page {page} has rows.")

    def invalid(self, path: str, name: str, value: str, query: Query, extra: Extra = PLAIN) -> None:
        """Ask for a number out of bounds: what refuses it by itself refuses it with all else."""
        if self.takes(path, f"{name}={value}", {name: value}):
            return
        headers = {**self.host.credential, **extra.headers}
        asked = extra.asked({**query, name: value})
        if extra.method == "HEAD":
            self._head(path, asked, headers, (REFUSED,))
            return
        answer = self._ask(path, asked, headers, (REFUSED,), body=extra.body)
        errors = answer.body.get("errors")
        told = keys(errors, "path") if errors else str(answer.body["message"])
        answer.expect(name in told, f"The 400 does not name the parameter {name}.")

    def _with(
        self,
        path: str,
        query: Query,
        headers: dict[str, str],
        extra: Extra,
        status: tuple[int, ...],
    ) -> Answer | None:
        """The answer to a request with more than the contract names; None where the host refuses that, always."""
        asked = extra.asked(query)
        if extra.method == "HEAD":
            self._head(path, asked, headers, status)
            return None
        known = (kind_of(path), extra.name, *query)  # to have a parameter twice takes one
        before = self.taken.get(known)
        refusable = extra != PLAIN and not (before and before.response.is_success)
        may = (*status, REFUSED) if refusable else status
        answer = self._ask(
            path, asked, {**headers, **extra.headers}, may, body=extra.body, meant=query
        )
        if REFUSED in status:
            return None
        ok = answer.response.is_success
        if extra != PLAIN:
            before = self.taken.setdefault(known, answer)
            same = before.response.is_success == ok
            answer.beside(before).expect(same, f"{extra.name} is taken, or not.")
        return answer if ok else None

    def _head(
        self, path: str, query: Query | str, headers: dict[str, str], status: Iterable[int]
    ) -> None:
        """HEAD has the status of GET, or there is no HEAD; the contract does not name it."""
        text = query if isinstance(query, str) else urlencode(query)
        url = f"{self.host.base_url.rstrip('/')}{path}{'?' if text else ''}{text}"
        request = httpx.Request("HEAD", url, headers=headers)
        try:
            response = self.host.ask(request)
        except httpx.HTTPError as error:
            said = f"There is no answer ({type(error).__name__})."
            raise Finding(said, curl(self.host, request)) from error
        answer = Answer(self.host, request, response, {})
        answer = answer.beside(
            attrs.evolve(answer, request=httpx.Request("GET", url, headers=headers))
        )
        code = response.status_code
        said = f"The status of a HEAD is {code}, and of a GET {' or '.join(map(str, status))}."
        answer.expect(code in (*status, 404, 405, 501), said)
        media = response.headers.get("Content-Type", "application/json")
        said = f"A HEAD is {media}, and a GET is not."
        answer.expect(media.startswith("application/json") or code not in status, said)
        answer.expect(not response.content, "A HEAD is answered with a body.")

    def _ask(
        self,
        path: str,
        query: Query | str | None = None,
        headers: dict[str, str] | None = None,
        status: Iterable[int] = (200,),
        *,
        body: bytes = b"",
        meant: Query | None = None,
    ) -> Answer:
        answer = ask(
            self.host,
            query,
            path=path,
            headers=headers,
            status=status,
            content=body,
            meant=meant,
        )
        told = answer.response.headers
        self.cookies |= {it.partition(";")[0] for it in told.get_list("set-cookie")}
        self._identify(answer, answer.request.headers.get("X-Request-Id", ""), told["X-Request-Id"])
        self._count(path, answer)
        return answer

    def _identify(self, answer: Answer, sent: str, told: str) -> None:
        """An answer has the id of its request or a new one, whatever else is asked, and no other."""
        own = sent == told
        like = sent.casefold().startswith(told.casefold())
        answer.expect(own or not like, "The request's own id is cut, or in another case.")
        before = answer if own else self.ids.setdefault(told, answer)
        said = "Two answers have the same X-Request-Id."
        answer.beside(before).expect(before is answer, said)
        if sent:
            first = self.echoes.setdefault(sent, answer)
            same = own == (first.response.headers["X-Request-Id"] == sent)
            answer.beside(first).expect(same, "The request's own id is used, or not.")

    def _count(self, path: str, answer: Answer) -> None:
        """Each answer to a key says the same limit, and fewer requests left, until the reset."""
        key = _key_of(answer.request)
        if answer.response.status_code == 401 or not key or _LEFT not in answer.response.headers:
            return
        place = (kind_of(path), key)
        before = self.limited.get(place)
        self.limited[place] = answer
        now = (self.spent[key], self.spent[" ".join(place)])
        then, self.spent_then[place] = self.spent_then.get(place), now
        if before is None or then is None:
            return
        answer = answer.beside(before)
        same = before.header(_LIMIT) == answer.header(_LIMIT)
        answer.expect(same, f"{_LIMIT} changes from one request to the next.")
        if before.header(_RESET) == answer.header(_RESET):
            fewer = before.header(_LEFT) - answer.header(_LEFT)
            answer.expect(fewer > 0, f"{_LEFT} does not count down.")
            spent = [two - one for one, two in zip(then, now, strict=True)]
            self.per_operation &= {own for own in (False, True) if spent[own] == fewer}
            said = f"{_LEFT} is {fewer} less after {spent[0]} requests, {spent[1]} of this kind."
            answer.expect(self.per_operation, said)
        later = answer.header(_RESET) >= before.header(_RESET)
        answer.expect(later, f"{_RESET} goes back.")

    def _same_error(self, answer: Answer, key: tuple[object, ...], named: str) -> None:
        status = answer.response.status_code
        told = {name: it for name, it in answer.body.items() if name != "request_id"}
        text = json.dumps(told)
        if len(named) > 3:  # shorter ones are in words
            text = text.replace(json.dumps(named)[1:-1], "…")
        before, first = self.errors.setdefault((status, *key), (text, answer))
        if before != text:
            beside = curl(self.host, first.request)
            raise answer.finding(f"The {status} is another than for others.", beside=beside)

    def _beside(self, path: str, query: Query, call: str) -> str:
        """The page of the listing that an answer contradicts."""
        sort = str(query.get("sort", ""))
        order = self.order(path, sort) or []
        number = order.index(call or order[0]) // self.host.whole + 1 if order else 1
        shown = self.shown[path, sort].request
        url = shown.url.copy_set_param("page", number)
        return curl(self.host, httpx.Request("GET", url, headers=shown.headers))

    def _matches(self, row: Row, path: str, query: Query, statuses: set[str]) -> bool:
        test = str(row.get("is_test_call")).lower()
        return (
            ("status" not in query or row["status"] in statuses)
            and query.get("is_test_call", test) == test
            and ("search" not in query or row["id"] in self.found(path, str(query["search"])))
        )

    def _plain(self, path: str) -> Query:
        return {} if path == AGENTS else self.host.oldest_first

    def _walk(self, path: str, query: Query) -> tuple[list[Row], Answer]:
        return walked(self.host, {**query, "limit": self.host.whole}, path=path)


def _key_of(request: httpx.Request) -> str:
    """The key of a request, in whichever scheme."""
    sent = request.headers
    return str(sent.get("X-Api-Key") or sent.get("Authorization", "").partition(" ")[2])


def model_of(host: Host) -> Model:
    """The model of a host, which the properties share; how many requests are left, others change meanwhile."""
    model = _model_of(host)
    model.limited.clear()
    return model


@lru_cache(2)
def _model_of(host: Host) -> Model:
    model = Model(host)

    def noting(request: httpx.Request) -> httpx.Response:
        model.sent.append(request)
        response = host.ask(request)
        if response.status_code != 401:
            path = request.url.raw_path.partition(b"?")[0].decode()
            model.spent.update((_key_of(request), f"{kind_of(path)} {_key_of(request)}"))
        return response

    model.host = attrs.evolve(host, ask=noting)
    return model
