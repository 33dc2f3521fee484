"""The pages of the API reference: each exported name with its docstring, by what a reader looks for."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCES = ("wrappers", "mock")
"""The folders of the packages whose exports the reference shows."""


SUBMODULES = ("agentcalls.testing.strategies",)
"""Public modules of which a page shows all."""


class Group(NamedTuple):
    """A page of the reference."""

    page: str
    title: str
    module: str
    intro: str
    names: str
    inherited: bool = True
    """Whether each name is shown with what it inherits."""


GROUPS = (
    Group(
        "client",
        "Clients",
        "agentcalls",
        "`Client` blocks, `AsyncClient` is awaited. `client.calls` and `client.agents` are the same for both: what "
        "`Calls` and `Agents` give is a listing of [the client's flavour](listings.md).",
        "Client AsyncClient Calls Agents Retry Exchange Clock ApiKey AsyncApiKey AuthScheme __version__",
    ),
    Group(
        "listings",
        "Listings",
        "agentcalls",
        "What `client.calls.list`, `client.calls.list_many` and `client.agents.list` return.",
        "CallListing AsyncCallListing CallIterator AsyncCallIterator ManyListing AsyncManyListing ManyIterator "
        "AsyncManyIterator AgentListing AsyncAgentListing CallBatch Moment TimeZone CallStatus "
        "OtherParameters OtherAgentParameters OtherCallParameters duration_of",
    ),
    Group(
        "values",
        "Calls, pages and reports",
        "agentcalls",
        "What a listing gives, and what it says of itself.",
        "Call CallDetail CallMessage Attachment Agent Page PageMeta Problem RateLimit Report AgentReport ManyReport "
        "Checkpoint",
    ),
    Group(
        "errors",
        "Errors",
        "agentcalls",
        "Each error that agentcalls raises on purpose is an `AgentCallsError`. [When something goes "
        "wrong](../errors.md) says what to do about each.",
        "AgentCallsError ConfigurationError APIConnectionError APITimeoutError APIStatusError BadRequestError "
        "AuthenticationError PermissionDeniedError NotFoundError ConflictError RateLimitError InternalServerError "
        "UnexpectedResponseError PaginationError",
        inherited=False,
    ),
    Group(
        "export",
        "agentcalls.export",
        "agentcalls.export",
        "Calls of some agents as one file. [Exports](../exports.md) is the guide.",
        "export export_stream Outcome Filters Progress AgentFailure FORMATS Format folder_of written_whole",
    ),
    Group(
        "mirror",
        "agentcalls.mirror",
        "agentcalls.mirror",
        "A copy in a database of your own. [Keeping a copy](../mirror.md) is the guide.",
        "sync watch verify push read least_requests Synced Progress Pushed InUseError IncompleteError Numbers served",
    ),
    Group(
        "testing",
        "agentcalls.testing",
        "agentcalls.testing",
        "Calls and pages for tests, without a server. [Testing your code](../testing.md) is the guide.",
        "make_call make_page strategies",
    ),
    Group(
        "mock",
        "agentcalls_mock",
        "agentcalls_mock",
        "The API on this machine. [Testing your code](../testing.md) is the guide.",
        "MockCallsAPI Armed Request create_app open_store serving Seeding Store StoreError Call Fault RateLimit "
        "FULL_KEY NOSCOPE_KEY",
    ),
)


def pages(root: Path) -> Iterator[tuple[str, str]]:
    """Each page and its Markdown; mkdocstrings writes what the docstrings of the names say."""
    for group in GROUPS:
        drawn = f"\n```text\n{tree(root)}\n```\n" if group.page == "errors" else ""
        less = (
            ""
            if group.inherited
            else "    options:\n      inherited_members: false\n      show_bases: true\n"
        )
        entries = "".join(f"\n::: {group.module}.{name}\n{less}" for name in group.names.split())
        yield f"reference/{group.page}.md", f"# {group.title}\n\n{group.intro}\n{drawn}{entries}"


def exported(root: Path) -> Iterator[str]:
    """The full name of each export of the modules in the reference, by `__all__`."""
    for module in sorted({group.module for group in GROUPS}):
        folders = [root / source / module.replace(".", "/") for source in SOURCES]
        (file,) = [folder / "__init__.py" for folder in folders if folder.is_dir()]
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                yield from (f"{module}.{name}" for name in ast.literal_eval(node.value))


def faults(root: Path) -> Iterator[str]:
    """A line for each export that has no page, and for each name on a page that is not exported."""
    shown = {f"{group.module}.{name}" for group in GROUPS for name in group.names.split()}
    named = {*exported(root), *SUBMODULES}
    yield from (f"website/reference.py lacks {name}" for name in sorted(named - shown))
    yield from (
        f"website/reference.py has {name}, which is not exported" for name in sorted(shown - named)
    )


def tree(root: Path) -> str:
    """The tree of errors, as the docstring of its module draws it."""
    module = ast.parse((root / "wrappers/agentcalls/errors.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(module) or "").split("\n\n")[1]
