"""The JavaScript that draws the charts, and where it is kept: making it takes longer than all else of a report."""

from __future__ import annotations

import base64
import os
import stat
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from agentcalls import ConfigurationError
from agentcalls.export import written_whole
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Mapping

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def bundle(environment: Mapping[str, str] = os.environ) -> str:
    """Vega, Vega-Lite and vega-embed in one script, which depends on the version of vl-convert alone.

    It is kept, compressed to 0.4 MB, in the user's folder of caches. A file there that is damaged, or that another user
    could have written, is not used; where none can be kept, the script is made each time.
    """
    library = need("vl_convert")
    kept = cache_path(environment) / f"charts-{library.__version__}.js.z"
    with suppress(OSError, ValueError, zlib.error):
        return _own_text(kept)
    script = str(library.javascript_bundle())
    with suppress(OSError, ConfigurationError):
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept.unlink(missing_ok=True)  # or the new one would take over its mode
        with written_whole(kept) as file:
            file.write(base64.b64encode(zlib.compress(script.encode())).decode())
    return script


def cache_path(environment: Mapping[str, str]) -> Path:
    """The folder for what can be made again; it may be missing."""
    home = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "agentcalls"


def _own_text(path: Path) -> str:
    # Its checksum is zlib's. Raises ValueError for a file that is not this user's alone to write.
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        if found.st_uid != os.getuid() or found.st_mode & _WRITABLE_BY_OTHERS:
            raise ValueError
        return zlib.decompress(base64.b64decode(file.read(), validate=True)).decode()
