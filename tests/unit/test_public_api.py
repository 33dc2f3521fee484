from __future__ import annotations

import inspect
import types
from importlib.metadata import version

import pytest

import agentcalls


def test_all_lists_each_public_name_once_in_order() -> None:
    public = {
        name
        for name, value in vars(agentcalls).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert set(agentcalls.__all__) == public | {"__version__"}
    assert agentcalls.__all__ == sorted(set(agentcalls.__all__))


def test_version_is_the_distributions() -> None:
    assert agentcalls.__version__ == version("agentcalls")


def test_both_clients_take_the_same_settings() -> None:
    sync, asynchronous = (
        list(inspect.signature(kind).parameters)
        for kind in (agentcalls.Client, agentcalls.AsyncClient)
    )
    assert sync == asynchronous


@pytest.mark.parametrize(
    "kinds",
    [
        (agentcalls.CallListing, agentcalls.AsyncCallListing),
        (agentcalls.ManyListing, agentcalls.AsyncManyListing),
    ],
)
def test_both_listings_have_the_same_methods(kinds: tuple[type, type]) -> None:
    sync, asynchronous = (
        {name.replace("aiter", "iter") for name in vars(kind) if name not in {"_submit", "_spawn"}}
        for kind in kinds
    )
    assert sync == asynchronous


def test_many_agents_are_asked_what_one_is() -> None:
    one, many = (
        inspect.signature(method).parameters
        for method in (agentcalls.Calls.list, agentcalls.Calls.list_many)
    )
    assert set(one) - set(many) == {"agent_id", "page", "limit"}
    assert set(many) - set(one) == {"agent_ids", "stop_on_error"}
    assert all(one[name].default == many[name].default for name in set(one) & set(many) - {"self"})


def test_every_public_class_and_method_has_a_docstring() -> None:
    for name in agentcalls.__all__:
        value = getattr(agentcalls, name)
        if inspect.isclass(value) and value.__module__.startswith("agentcalls."):
            assert value.__doc__, name
            for method, function in vars(value).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    assert function.__doc__, f"{name}.{method}"
