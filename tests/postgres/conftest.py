"""Debian's PostgreSQL for the tests of `push`, as a user of its own on loopback; at night only."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest

from drawn import ALL

if TYPE_CHECKING:
    from collections.abc import Generator

collect_ignore_glob = [] if ALL else ["test_*.py"]

USER = "pushing"


def programs() -> Path:
    """The folder of PostgreSQL's programs, which Debian keeps off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    on_path = shutil.which("postgres")
    if on_path:
        found.append(Path(on_path).resolve())
    if not found:
        pytest.skip("PostgreSQL is not installed: sudo apt-get install postgresql")
    return found[-1].parent


@pytest.fixture(scope="session")
def postgres() -> Generator[str]:
    """The URL of an empty database, with its password."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    bin_, password = programs(), secrets.token_hex(8)
    # PostgreSQL refuses to run as root.
    become = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    (folder / "password").write_text(password)
    if become:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres")
    made: list[str | Path] = [
        bin_ / "initdb",
        "-D",
        folder / "data",
        "-U",
        USER,
        "--pwfile",
        folder / "password",
    ]
    subprocess.run(
        [*become, *made, "--auth=scram-sha-256", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve: list[str | Path] = [
        bin_ / "postgres",
        "-D",
        folder / "data",
        "-k",
        folder,
        "-p",
        str(port),
    ]
    url = f"postgresql://{USER}:{password}@127.0.0.1:{port}/postgres"
    with subprocess.Popen(
        [*become, *serve, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
        cwd=folder,
        stderr=subprocess.DEVNULL,
    ) as server:
        _wait(url, server)
        yield url
        pid = int((folder / "data/postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGINT)
    shutil.rmtree(folder)


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            psycopg2.connect(url).close()
        except psycopg2.OperationalError:
            assert server.poll() is None
            assert time.monotonic() < until
        else:
            return
