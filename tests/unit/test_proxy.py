"""Whatever the environment says of proxies: one that can be used, none, or an error that names the variable."""

from __future__ import annotations

import os
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentcalls import AsyncClient, Client, ConfigurationError
from agentcalls.request.proxy import proxy_for

VARIABLES = [f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")]
PASSWORD = "s3cretpw"
parts = st.sampled_from(
    [
        *(
            "http",
            "https",
            "socks",
            "socks5",
            "socks5h",
            "ftp",
            "://",
            ":",
            "/",
            "//",
            "@",
            "[",
            "]",
        ),
        *(
            "::1",
            "%",
            "%zz",
            "host",
            "127.0.0.1",
            "10.0.0.0/8",
            "*",
            ".",
            ",",
            " ",
            "\t",
            "é",
            "x" * 300,
        ),
        *("0", "9", "99999", "-1", f"user:{PASSWORD}@", "?", "#", "\\", "=", "\udcff"),
    ]
)
values = st.lists(parts, max_size=6).map("".join)
environments = st.dictionaries(
    st.sampled_from([*VARIABLES, *map(str.lower, VARIABLES)]), values, max_size=4
)


def among(environment: dict[str, str]) -> dict[str, str]:
    """This environment, with no proxies but those given."""
    usual = {name: value for name, value in os.environ.items() if name.upper() not in VARIABLES}
    return {**usual, **environment}


@given(environments, st.sampled_from(["https://host.test", "http://[2001:db8::1]:8080"]))
@example({"ALL_PROXY": "socks://127.0.0.1:9"}, "https://host.test")
@example({"NO_PROXY": "[::1]", "HTTPS_PROXY": "http://127.0.0.1:9"}, "https://host.test")
@example({"HTTP_PROXY": "::::"}, "https://host.test")
def test_any_environment_makes_a_client_or_a_typed_error(
    environment: dict[str, str], base_url: str
) -> None:
    with patch.dict(os.environ, among(environment), clear=True):
        for kind in (Client, AsyncClient):
            try:
                client = kind(api_key="sk_12345678", base_url=base_url, allow_http=True)
            except ConfigurationError as error:
                assert str(error).split()[0] in environment  # noqa: PT017 (either is right)
                assert PASSWORD not in str(error) + repr(error.__context__)  # noqa: PT017
            else:
                assert PASSWORD not in repr(vars(client))


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "http://p:1"),
        ({"HTTPS_PROXY": " p:1 "}, "http://p:1"),
        ({"HTTPS_PROXY": "http://u:pw@p:1"}, "http://u:pw@p:1"),
        ({"ALL_PROXY": "https://p"}, "https://p"),
        ({"ALL_PROXY": "socks://p:1"}, "socks5://p:1"),
        ({"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "http://q:1"),
        ({"HTTP_PROXY": "http://p:1"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "host.test"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "host.test:443"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "host.test:444"}, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x, .test"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "[::1],10.0.0.0/8"}, "http://p:1"),
        ({"HTTPS_PROXY": "", "ALL_PROXY": ""}, None),
    ],
    ids=str,
)
def test_proxy_is_the_one_that_the_environment_names(
    environment: dict[str, str], url: str | None
) -> None:
    with patch.dict(os.environ, among(environment), clear=True):
        proxy = proxy_for(urlsplit("https://host.test"))
    assert (proxy and proxy.url) == url


def test_what_the_system_says_is_asked_where_systems_have_proxies() -> None:
    with (
        patch("sys.platform", "darwin"),
        patch.dict(os.environ, {}, clear=True),
        patch("urllib.request.getproxies", lambda: {"https": "http://proxy.test:3128"}),
    ):
        proxy = proxy_for(urlsplit("https://host.test"))
    assert proxy
    assert (proxy.variable, proxy.url) == ("The system's proxy setting", "http://proxy.test:3128")
