"""What a request may have that the contract does not name: none of it changes an answer, and none of it opens."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import attrs

from contract.tool.host import SCHEMES, credential

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.tool.host import Query, Scheme

_UNNAMED = {
    "page": "2",
    "limit": "1",
    "status": "busy",
    "is_test_call": "true",
    "search": "zzz",
    "sort": "-status",
}


def _as_it_is(query: Query) -> Query | str:
    return query


@attrs.frozen
class Extra:
    """Headers, parameters, a body, a method or a spelling beyond what is asked."""

    name: str
    headers: dict[str, str] = attrs.field(factory=dict, hash=False)
    query: dict[str, str] = attrs.field(factory=dict, hash=False)
    body: bytes = b""
    method: str = "GET"
    spelt: Callable[[Query], Query | str] = attrs.field(default=_as_it_is, eq=False, repr=False)

    @property
    def language(self) -> str:
        """The language that is asked for, in which a host may say what is wrong."""
        return self.headers.get("Accept-Language", "")

    def asked(self, query: Query) -> Query | str:
        """The query with what is beyond it; what it has already, stays."""
        return self.spelt({**self.query, **query})


PLAIN = Extra("nothing")


def _backwards(query: Query) -> str:
    return urlencode(list(query.items())[::-1])


def _percent(query: Query) -> str:
    return "&".join(
        f"{name}={''.join(f'%{byte:02X}' for byte in str(value).encode())}"
        for name, value in query.items()
    )


def _twice(query: Query) -> str:
    return "&".join([urlencode(query)] * 2)


def _ampersands(query: Query) -> str:
    return f"&{urlencode(query)}&&"


def _in_capitals(query: Query) -> Query:
    # Names count with their case: these are others.
    return {**{name.upper(): value for name, value in _UNNAMED.items()}, **query}


def _header(name: str, value: str) -> Extra:
    return Extra(f"{name}: {value}", {name: value})


def _parameter(name: str, value: str) -> Extra:
    return Extra(f"{name}={value}", query={name: value})


# For any operation.
EXTRAS = [
    Extra("HEAD", method="HEAD"),
    *(
        _header(name, value)
        for name, value in (
            ("Accept", "*/*"),
            ("Accept", "text/html,application/json;q=0.9"),
            ("Accept", "application/json;q=0.1, text/csv"),
            ("Accept-Encoding", "gzip"),
            ("Accept-Encoding", "identity"),
            ("Accept-Language", "de"),
            ("Cache-Control", "no-cache"),
            ("Cookie", "session=1"),
            ("Connection", "close"),
            ("Content-Type", "text/plain"),
            ("If-None-Match", '"1"'),
            ("If-None-Match", "*"),
            ("If-Modified-Since", "Sun, 01 Jan 2040 00:00:00 GMT"),
            ("If-Match", '"1"'),
            ("Origin", "https://example.com"),
            ("Prefer", "code=500"),
            ("Range", "bytes=0-9"),
            ("User-Agent", "Mozilla/5.0"),
            ("User-Agent", "curl/8.5.0"),
            ("User-Agent", "Googlebot/2.1"),
            ("User-Agent", ""),
            ("X-Forwarded-For", "127.0.0.1"),
            ("X-Forwarded-Host", "example.com"),
            ("X-Forwarded-Proto", "http"),
            ("X-HTTP-Method-Override", "DELETE"),
            ("X-Original-URL", "/"),
            ("X-Request-Id", "mine-3f1e9b"),
            ("X-Request-Id", "long-" * 50),
            ("X-Request-Id", "MINE.3F1E9B_~:+/="),
            ("X-Request-Id", "7"),
            ("X-Team-Id", "team_other"),
            ("X-User-Id", "1"),
        )
    ),
    *(
        _parameter(name, value)
        for name, value in (
            ("_", "1"),
            ("agent_id", "agent_one"),
            ("created_on", "2026-01-01"),
            ("cursor", "2"),
            ("debug", "true"),
            ("direction", "inbound"),
            ("fields", "id"),
            ("format", "csv"),
            ("id", "1"),
            ("include", "deleted"),
            ("offset", "3"),
            ("order", "asc"),
            ("per_page", "1"),
            ("q", "zzz"),
            ("team", "team_other"),
        )
    ),
    Extra(
        "a body of JSON", {"Content-Type": "application/json"}, body=json.dumps(_UNNAMED).encode()
    ),
    Extra(
        "a body of a form",
        {"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(_UNNAMED).encode(),
    ),
    Extra("parameters backwards", spelt=_backwards),
    Extra("parameters percent-encoded", spelt=_percent),
    Extra("parameters twice", spelt=_twice),
    Extra("empty parameters", spelt=_ampersands),
    Extra("other parameters in capitals", spelt=_in_capitals),
]
# Of a call in detail, the contract names none of those of the listing; of the agents, not these.
OF_A_CALL = [_parameter(name, value) for name, value in _UNNAMED.items()]
OF_AGENTS = [_parameter(name, _UNNAMED[name]) for name in ("status", "is_test_call")]


def wrong_credentials(key: str) -> list[Extra]:
    """What has the key in it, or none, and is not it."""
    headers: list[dict[str, str]] = [
        {},
        {"Authorization": f"Bearer {key} more"},
        {"Authorization": f"Bearer {key},"},
        {"Authorization": f"Token {key}"},
        {"Authorization": f"Bearer Bearer {key}"},
        {"Authorization": f"Basic {basic(key)}"},
        {"X-Api-Key": f"{key} more"},
        {"X-Api-Key": f"Bearer {key}"},
        {"X-Api-Key": f"{key},{key}"},
        {"X-Api-Key": quote(key).replace("_", "%5F")},
        {"Cookie": f"Authorization=Bearer {key}; api_key={key}; X-Api-Key={key}; token={key}"},
        *({name: key} for name in ("Proxy-Authorization", "X-Auth-Token", "X-Access-Token")),
        {"Api-Key": key, "X-Key": key, "Token": key},
        {"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
        {"X-Forwarded-User": "admin", "X-User-Id": "1", "X-Original-URL": "/health"},
        {"Host": "localhost"},
    ]
    named = [f"{', '.join(it) or 'no credential'} {number}" for number, it in enumerate(headers)]
    wrong = [Extra(name, it) for name, it in zip(named, headers, strict=True)]
    parameters = ("api_key", "access_token", "key", "token", "X-Api-Key", "apikey", "authorization")
    # What is told of one wrong key is told of each: how near it is, is a secret.
    for text in (f"x{key}", key[:-1], key.upper(), f"{key}x", f"sk_{'0' * 32}", "x" * 3000):
        wrong += [Extra(f"a wrong key, {it}", credential(text, it)) for it in SCHEMES]
    wrong += [Extra(f"{name} as a parameter", query={name: key}) for name in parameters]
    body = json.dumps(dict.fromkeys(parameters, key)).encode()
    wrong += [Extra("a body with the key", {"Content-Type": "application/json"}, body=body)]
    wrong += [
        Extra("HEAD", method="HEAD"),
        Extra("HEAD with more", {"X-Api-Key": f"{key}x"}, method="HEAD"),
    ]
    return wrong


def openings(key: str, schemes: tuple[Scheme, ...]) -> list[dict[str, str]]:
    """The ways in which the key opens; where there are two schemes, both at once do."""
    ways = [credential(key, scheme) for scheme in schemes]
    # RFC 9110, 11.1: case does not count in a scheme.
    ways += [{"Authorization": f"BEARER {key}"}] if "bearer" in schemes else []
    return ways + ([credential(key) | credential(key, "x-api-key")] if len(schemes) > 1 else [])


def near_sorts(name: str) -> list[str]:
    """What is not a sort, and looks like one."""
    return [
        *(f"--{name}", "-", "--", f"+{name}", f" {name}", f"{name} ", f"{name}-", f"-{name},id"),
        *(f"{name} desc", f"{name}:desc", name.upper(), f"{name}.id", f"{name}[]", f"{name};", "0"),
        *("constructor", "__proto__", "toString", "null", "1=1", "random()"),
    ]


def spellings(path: str) -> list[str]:
    """Other paths, which some servers take for the same."""
    head, _, tail = path.rpartition("/")
    return [
        *(path.upper(), f"{head}/{tail.upper()}", path.replace("/agents", "/AGENTS", 1)),
        *(path.replace("/agents", "//agents", 1), f"/{path}", f"{path}/", f"{path}//"),
        *(path.replace("/agents", "/./agents", 1), path.replace("/agents", "/x/../agents", 1)),
        *(path.replace("/agents", "/%2e/agents", 1), f"{path};x=1", f"{path}.json", f"{path}%20"),
        *(path.replace("/v1/", "/v2/"), path.replace("/api/v1", ""), f"{path}%00", f"{path}%2F"),
    ]


def basic(key: str) -> str:
    """The key as the name of a user without a password."""
    return b64encode(f"{key}:".encode()).decode()
