from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentcalls import Client, ConfigurationError
from agentcalls.request.host import _PLAIN_URL
from agentcalls.request.wire.library import checked_timeouts

if TYPE_CHECKING:
    from agentcalls.request.sender import Config

KEY = "sk_canary_4711"


def resolve(**options: Any) -> Config:
    return Client(**{"api_key": KEY, "base_url": "https://host", **options})._config


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://host", "https://host"),
        ("https://host/", "https://host"),
        ("HTTPS://Host:8443/gate/way//", "https://host:8443/gate/way"),
        ("http://127.0.0.1:8010", "http://127.0.0.1:8010"),
        ("http://[::1]:8010", "http://[::1]:8010"),
        ("http://localhost", "http://localhost"),
        ("https://host/a%2Fb/%E9", "https://host/a%2Fb/%E9"),
        ("https://host/api/v1/gateway", "https://host/api/v1/gateway"),
    ],
)
def test_base_url_keeps_its_path_and_loses_its_last_slash(given: str, expected: str) -> None:
    assert resolve(base_url=given).base_url == expected


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "https://host"),
        ("host", "https://host"),
        ("ftp://host", "https://host"),
        ("https://", "https://host"),
        ("https://ho st:port", "not a URL"),
        (7, "not a URL"),
        ("https://user:secret@host", "a user"),
        ("https://host?key=secret", "a query"),
        ("https://host#secret", "a fragment"),
        ("http://api.bimpe.ai", "plain http"),
        ("http://128.0.0.1", "plain http"),
        ("http://localhost.example", "plain http"),
        ("https://host?", "a query"),
        ("https://host/secret#", "a fragment"),
        ("https://host ", "a space"),
        ("https://host:99999", "https://host"),
        ("https://xn--", "not a URL"),
        (f"https://{'x' * 64}.example", "not a URL"),
        ("https://host/api/v1/console/", "holds /api/v1/console"),
        ("https://host/api/v1/console/agents", "holds /api/v1/console"),
    ],
)
def test_base_url_that_cannot_be_used_is_refused_without_quoting_it(given: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        resolve(base_url=given)
    assert "secret" not in str(caught.value)


@given(
    st.from_regex(_PLAIN_URL, fullmatch=True)
    | st.text("htps:/.-_~%@[]?#012345689aAzZxé\\ ").map("https://".__add__)
)
@example("https://host:443")
@example("https://1.2.3.4")
@example("https://a.xn--mnchen-3ya")
@example("https://host/a/../b")
@example(f"https://{'a' * 64}.b")
def test_base_url_that_is_not_read_by_httpx_is_as_httpx_would_read_it(base_url: str) -> None:
    if not _PLAIN_URL.fullmatch(base_url):
        return
    read, url = urlsplit(base_url), httpx.URL(base_url)
    assert str(url) == base_url
    assert (read.scheme, read.hostname, read.port) == (url.scheme, url.host, url.port)
    assert (read.netloc.encode(), read.path or "/") == (url.netloc, url.path)
    url.host.encode("idna")


def test_plain_http_to_another_machine_needs_a_word() -> None:
    assert resolve(base_url="http://gateway", allow_http=True).base_url == "http://gateway"


@pytest.mark.parametrize("key", ["", " ", "sk 1", "sk_1\n", "sk_1\r\nX: y", "sk_é", "sk_\x00", 7])
def test_key_that_cannot_be_a_header_is_refused_without_quoting_it(key: Any) -> None:
    with pytest.raises(ConfigurationError, match="API key") as caught:
        resolve(api_key=key)
    assert "sk" not in str(caught.value)


def test_unknown_scheme_is_refused() -> None:
    for wrong in ("basic", KEY, ["bearer"]):
        with pytest.raises(ConfigurationError, match="'bearer' or 'x-api-key'") as caught:
            resolve(auth=wrong)
        assert KEY not in str(caught.value)


def test_arguments_come_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCALLS_BASE_URL", "https://env")
    monkeypatch.setenv("AGENTCALLS_AUTH", "x-api-key")
    config = resolve()
    assert (config.base_url, config.auth.scheme) == ("https://host", "x-api-key")
    assert resolve(auth="bearer", base_url=None).base_url == "https://env"


def test_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "AUTH"):
        monkeypatch.setenv(f"AGENTCALLS_{name}", "")
    with pytest.raises(ConfigurationError, match="set AGENTCALLS_API_KEY"):
        resolve(api_key=None)
    with pytest.raises(ConfigurationError, match="set AGENTCALLS_BASE_URL"):
        resolve(base_url=None)
    assert resolve().auth.scheme == "bearer"


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_retries": -1},
        {"max_retries": 1.5},
        {"max_retries": True},
        {"max_retries": None},
        {"deadline": 0},
        {"deadline": float("inf")},
        {"deadline": float("nan")},
        {"deadline": "60"},
        {"max_retry_wait": -1},
        {"max_body_bytes": 0},
        {"max_body_bytes": 1e6},
    ],
    ids=str,
)
def test_number_that_bounds_nothing_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        resolve(**wrong)


@pytest.mark.parametrize("key", [KEY, lambda: KEY])
def test_key_is_in_no_repr(key: Any) -> None:
    config = resolve(api_key=key)
    assert KEY not in repr(config) + str(config) + repr(config.auth)


@pytest.mark.parametrize(
    "timeout", ["abc", -1, 0, float("nan"), float("inf"), httpx.Timeout(-1)], ids=repr
)
def test_timeout_that_bounds_nothing_is_refused(timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        checked_timeouts(timeout)


def test_proxy_of_the_environment_is_for_other_machines_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert resolve(base_url="https://host").proxy is None
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert resolve(base_url="https://host").proxy
    assert resolve(base_url="http://127.0.0.1:8010").proxy is None
    assert resolve(base_url="https://localhost").proxy is None
