from __future__ import annotations

import ast
import importlib
import inspect
import pickle
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import agentcalls
import agentcalls_api
from agentcalls_mock import FULL_KEY


def imported_names() -> dict[str, str]:
    """Each name that the package's source imports, for type checkers too, and the module that it is from."""
    source = ast.parse(Path(agentcalls.__file__).read_text(encoding="utf-8"))
    return {
        name.name: node.module or ""
        for node in ast.walk(source)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }


IMPORTED = imported_names()


def test_all_lists_each_public_name_once_in_order() -> None:
    public = {
        name for name, home in IMPORTED.items() if not name.startswith("_") and home != "importlib"
    }
    assert set(agentcalls.__all__) == public | {"__version__"}
    assert agentcalls.__all__ == sorted(set(agentcalls.__all__))


@pytest.mark.parametrize("name", agentcalls.__all__)
def test_each_name_is_the_one_that_type_checkers_see(name: str) -> None:
    home = importlib.import_module(IMPORTED[name])
    assert getattr(agentcalls, name) is getattr(home, name)
    assert name in dir(agentcalls)


def test_name_that_is_not_ours_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'agentcalls' has no attribute 'Clint'"):
        getattr(agentcalls, "Clint")  # noqa: B009 (type checkers say so, too)


ISOLATED = """
import sys
before = set(sys.modules)
{}
print(*sorted(set(sys.modules) - before))
"""


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter loads for this code."""
    result = subprocess.run(
        [sys.executable, "-c", ISOLATED.format(code)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


def test_importing_the_package_imports_next_to_nothing() -> None:
    assert loaded_by("import agentcalls") <= {
        *("agentcalls", "agentcalls._version"),
        *("importlib", "importlib._bootstrap", "importlib._bootstrap_external", "warnings"),
    }


def test_error_is_caught_without_an_http_client_in_memory() -> None:
    loaded = loaded_by("from agentcalls import RateLimitError")
    assert "agentcalls.errors" in loaded
    assert not loaded & {"httpx", "attrs", "msgspec", "agentcalls_api"}


def test_blocking_client_reads_a_page_without_httpx_asyncio_tls_and_dateutil(
    mock_url: str,
) -> None:
    loaded = loaded_by(
        "from agentcalls import Client\n"
        f"with Client(api_key={FULL_KEY!r}, base_url={mock_url!r}) as client:\n"
        "    assert len(client.calls.list('agent_demo').page(1)) == 100"
    )
    assert "agentcalls.client" in loaded
    heavy = {"httpx", "http.client", "email", "urllib.request", "certifi"}
    heavy |= {"asyncio", "concurrent.futures", "dateutil", "difflib", "agentcalls.async_client"}
    heavy |= {"ssl", "hashlib"}  # they load OpenSSL; the page is read without TLS
    assert not loaded & heavy


def test_async_client_reads_all_calls_without_httpx(mock_url: str) -> None:
    loaded = loaded_by(
        "import asyncio\n"
        "from agentcalls import AsyncClient\n"
        "async def main():\n"
        f"    async with AsyncClient(api_key={FULL_KEY!r}, base_url={mock_url!r}) as client:\n"
        "        assert len([call async for call in client.calls.list('agent_demo')]) == 250\n"
        "asyncio.run(main())"
    )
    assert "agentcalls.async_client" in loaded
    assert "httpx" not in loaded


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
@pytest.mark.parametrize(
    ("home", "place"),
    [
        ("socket", "socket.socket.connect"),
        ("ssl", "ssl.SSLContext.wrap_bio"),
        (
            "httpcore",
            "httpcore.ConnectionPool.handle_request, httpcore.AsyncConnectionPool.__init__",
        ),
    ],
)
def test_tool_that_comes_before_httpx_is_noticed(kind: str, home: str, place: str) -> None:
    loaded = loaded_by(
        f"import asyncio, {home}\n"
        "import agentcalls.client\n"
        "from agentcalls.request.wire.tools import changed_library\n"
        f"assert changed_library({kind!r}, None) is None\n"
        + "".join(f"{name} = lambda *a, **k: None\n" for name in place.split(", "))
        + f"assert changed_library({kind!r}, None).__name__ == 'httpx'"
    )
    assert "httpx" in loaded


def test_generated_package_imports_its_clients_where_they_are_used() -> None:
    assert "httpx" not in loaded_by(
        "import agentcalls_api.models, agentcalls_api.api.calls.get_call"
    )
    assert "httpx" in loaded_by("from agentcalls_api import AuthenticatedClient, Client")
    with pytest.raises(AttributeError, match="module 'agentcalls_api' has no attribute 'Clint'"):
        getattr(agentcalls_api, "Clint")  # noqa: B009 (type checkers say so, too)


def test_error_is_typed_where_no_file_can_be_opened_to_import_httpx(mock_url: str) -> None:
    code = (
        "import resource, sys\n"
        "from agentcalls import APIConnectionError, Client\n"
        f"client = Client(api_key={FULL_KEY!r}, base_url={mock_url!r}, max_retries=0)\n"
        "listing = client.calls.list('agent_demo')\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
        "try: listing.page(1)\n"
        "except APIConnectionError as error: told = error\n"
        "assert 'Too many open files' in str(told), told\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))"
    )
    assert "agentcalls.client" in loaded_by(code)


def test_star_import_and_help_see_everything() -> None:
    code = (
        "from agentcalls import *\n"
        "import agentcalls, pydoc\n"
        "text = pydoc.render_doc(agentcalls, renderer=pydoc.plaintext)\n"
        "assert [name for name in agentcalls.__all__ if name not in globals()] == []\n"
        "assert 'class AsyncClient' in text and 'class RateLimitError' in text"
    )
    assert "agentcalls.client" in loaded_by(code)


def test_httpx_counts_as_unchanged_while_another_thread_imports_it() -> None:
    code = (
        "import sys, threading\n"
        "from agentcalls.request.wire.tools import changed_library\n"
        "begun, go_on = threading.Event(), threading.Event()\n"
        "class Slow:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name in {'httpx._client', 'httpcore._sync'}:\n"
        "            begun.set()\n"
        "            go_on.wait(60)\n"
        "assert 'httpx' not in sys.modules\n"
        "sys.meta_path.insert(0, Slow())\n"
        "threading.Thread(target=__import__, args=['httpx']).start()\n"
        "begun.wait(60)\n"
        "threading.Timer(0.2, go_on.set).start()\n"
        "assert changed_library('Client', None) is None"
    )
    assert "httpx" in loaded_by(code)


def test_threads_may_ask_for_names_first() -> None:
    code = (
        "import agentcalls, threading\n"
        "start, got = threading.Barrier(8), []\n"
        "def ask(name):\n"
        "    start.wait()\n"
        "    got.append(getattr(agentcalls, name))\n"
        "names = ['Client', 'AsyncClient', 'Page', 'Call'] * 2\n"
        "threads = [threading.Thread(target=ask, args=(name,)) for name in names]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "assert len(got) == 8 and len(set(got)) == 4, got"
    )
    assert "agentcalls.async_client" in loaded_by(code)


def test_error_unpickles_where_nothing_is_imported_yet() -> None:
    error = agentcalls.NotFoundError("none such", status=404)
    code = f"import pickle\nassert pickle.loads({pickle.dumps(error)!r}).status == 404"
    assert "agentcalls.errors" in loaded_by(code)


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
        # Exports and copies are not awaited; nor do other classes of theirs have what one flavour alone needs.
        {
            name.replace("aiter", "iter")
            for name in dir(kind)
            if name not in {"_submit", "_spawn", "_rows", "_row_batches"}
        }
        for kind in kinds
    )
    assert sync == asynchronous


def test_many_agents_are_asked_what_one_is() -> None:
    one, many = (
        inspect.signature(method).parameters
        for method in (agentcalls.Calls.list, agentcalls.Calls.list_many)
    )
    assert set(one) - set(many) == {"agent_id", "page", "limit"}
    assert set(many) - set(one) == {"agent_ids", "stop_on_error", "ordered", "on_agent"}
    assert all(one[name].default == many[name].default for name in set(one) & set(many) - {"self"})


def test_every_public_class_and_method_has_a_docstring() -> None:
    for name in agentcalls.__all__:
        value = getattr(agentcalls, name)
        if inspect.isclass(value) and value.__module__.startswith("agentcalls."):
            assert value.__doc__, name
            for method, function in vars(value).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    assert function.__doc__, f"{name}.{method}"
