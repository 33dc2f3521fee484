"""The measures that need fresh processes or a fresh installation: imports, the first page, decoding, size."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, figure, ratio
from benchmarks.serving import page_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measures import Scale

_MB = 1_000_000
_ROOT = Path(__file__).parents[1]
_CLOCK = "import time; began = time.process_time()\n{}\nprint(time.process_time() - began)"

_IMPORTS = {
    "agentcalls": "import agentcalls",
    "Client": "from agentcalls import Client",
    "httpx": "import httpx",
    "raw": "import agentcalls_api",
}
_FIRST_PAGE = {
    "ours": """
from agentcalls import Client
with Client(api_key="sk_bench", base_url="{url}") as client:
    assert len(client.calls.list("agent_0").page(1)) == 100
""",
    "raw": """
from agentcalls_api import AuthenticatedClient
from agentcalls_api.api.calls import list_calls
with AuthenticatedClient(base_url="{url}", token="sk_bench") as client:
    assert len(list_calls.sync("agent_0", client=client, page=1, limit=100).data) == 100
""",
}
_DECODE = {
    "ours": "from agentcalls.request.decode.page import decode_page as decode",
    "raw": """
import json
from agentcalls_api.models import CallPage
decode = lambda body: CallPage.from_dict(json.loads(body))
""",
}
_DECODE_LOOP = """
import time
from benchmarks.shapes import Window, page, shapes
{}
body = page(shapes(unknown_field=False)["calls"], Window(0, 100), 20_000)
assert len(decode(body).data) == 100
for _ in range(50): decode(body)
began = time.process_time()
for _ in range(400): decode(body)
print((time.process_time() - began) / 400)
"""


def imports(scale: Scale) -> dict[str, Figure]:
    """CPU seconds of imports in fresh interpreters."""
    programs = {name: _CLOCK.format(code) for name, code in _IMPORTS.items()}
    cpu = _in_turn(programs, scale)
    figures = {f"import ms/{name}": figure([s * 1e3 for s in cpu[name]]) for name in cpu}
    return figures | {
        "import/httpx": ratio(cpu["agentcalls"], cpu["httpx"]),
        "import Client/httpx": ratio(cpu["Client"], cpu["httpx"]),
    }


def first_page(scale: Scale) -> dict[str, Figure]:
    """CPU seconds up to the first page in fresh interpreters."""
    with page_server(20_000) as url:
        programs = {name: _CLOCK.format(code.format(url=url)) for name, code in _FIRST_PAGE.items()}
        cpu = _in_turn(programs, scale)
    figures = {f"first page ms/{name}": figure([s * 1e3 for s in cpu[name]]) for name in cpu}
    return figures | {"cold/raw": ratio(cpu["ours"], cpu["raw"])}


def decoding(scale: Scale) -> dict[str, Figure]:
    """CPU seconds of decoding a page of 100."""
    programs = {name: _DECODE_LOOP.format(code) for name, code in _DECODE.items()}
    cpu = _in_turn(programs, scale)
    figures = {f"decode µs/{name}": figure([s * 1e6 for s in cpu[name]]) for name in cpu}
    return figures | {"decode/raw": ratio(cpu["ours"], cpu["raw"])}


def installed(_: Scale) -> dict[str, Figure]:
    """The size of an installation: distributions and bytes of the wheel and its dependencies at the locked versions."""
    with tempfile.TemporaryDirectory() as folder:
        wheels, site, versions = (Path(folder, name) for name in ("dist", "site", "versions.txt"))
        locked = (_ROOT / "benchmarks/requirements.lock").read_text(encoding="utf-8")
        pinned = re.findall(r"^[\w.-]+==[^ ]+(?: ; .*[^ \\])?", locked, flags=re.MULTILINE)
        versions.write_text("\n".join(pinned), encoding="utf-8")
        _run("-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels))
        (wheel,) = wheels.glob("*.whl")
        pip = ["-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        _run(*pip, f"--constraint={versions}", f"--target={site}", str(wheel))
        size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
        count = len(list(site.glob("*.dist-info")))
    return {"install/distributions": figure([count]), "install/size": figure([size / _MB])}


def _in_turn(programs: dict[str, str], scale: Scale) -> dict[str, list[float]]:
    # The seconds that each program prints, round by round, without the first round, which compiles modules.
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(scale.starts + 1):
        for name, code in programs.items():
            seconds = float(_run("-W", "ignore", "-c", code))
            if turn:
                taken[name].append(seconds)
    return taken


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=_ROOT,
        env={
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "",
        },  # otherwise each start would compile our modules
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


FRESH: tuple[Callable[[Scale], dict[str, Figure]], ...] = (decoding, imports, first_page, installed)
"""The measures of this module."""
