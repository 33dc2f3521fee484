"""One Spark session, and one mock, for all tests of the source: `make test-spark`."""

# Spark is in an environment of its own.
# pyright: reportMissingImports=false
from __future__ import annotations

import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls_mock import create_app, open_store, serving
from doubtful import Doubtful
from spark.host import AGENTS, KEY, SEEDING, WARNED, Host

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

# `make test` has no Spark: these tests belong to `make test-spark`.
collect_ignore_glob = [] if importlib.util.find_spec("pyspark") else ["test_*.py"]


@pytest.fixture(scope="session")
def _served() -> Generator[tuple[Host, str]]:
    keys = {KEY: frozenset({"conversations:read"})}
    with open_store(SEEDING) as store:
        app = Doubtful(create_app(store, keys=keys))
        with serving(app) as url:
            yield Host(store, app), url


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("events")


@pytest.fixture(scope="session")
def session(
    _served: tuple[Host, str], logs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Any]:
    from pyspark.sql import SparkSession  # noqa: PLC0415  # absent in `make test`

    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    # The driver's own, which the tasks do not have.
    os.environ.update(AGENTCALLS_API_KEY=KEY, AGENTCALLS_BASE_URL=_served[1])
    settings = {
        "spark.ui.enabled": "true",
        "spark.ui.port": "0",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": logs.as_uri(),
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
        "spark.log.level": "OFF",
        "spark.executorEnv.WARNED_API_KEY": WARNED,
        # What a session of minutes runs is never worth compiling well.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    }
    builder = SparkSession.builder.master("local[2]").appName("agentcalls")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    yield spark
    spark.stop()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests that stop the session come last."""
    items.sort(key=lambda item: "stopped" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def stopped(session: Any, logs: Path) -> str:
    """All that Spark wrote to its event log, whose last frame comes when the session stops."""
    import zstandard  # noqa: PLC0415  # as above

    session.stop()
    files = [file for file in logs.rglob("*") if file.is_file() and file.stat().st_size]
    return "".join(
        zstandard.ZstdDecompressor()
        .stream_reader(file.read_bytes(), read_across_frames=True)
        .read()
        .decode()
        if file.suffix == ".zstd"
        else file.read_text()
        for file in files
    )


@pytest.fixture
def host(_served: tuple[Host, str]) -> Host:
    host, _ = _served
    host.app.doubted, host.app.failing = set(), {}
    host.app.asked.clear()
    return host


@pytest.fixture
def source(session: Any) -> Any:
    """The source with the key and the host of the driver; a test adds its options."""
    return session.read.format("agentcalls").option("agents", ",".join(AGENTS))
