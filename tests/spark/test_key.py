"""A canary: the key is in nothing that Spark shows or keeps, however the source was given it."""

# Spark is in an environment of its own.
# pyright: reportMissingImports=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from spark.host import KEY, WARNED, streamed

if TYPE_CHECKING:
    from pathlib import Path

    from spark.host import Host

PAGES = ["/environment/", "/SQL/", "/SQL/execution/?id=0", "/jobs/", "/stages/", "/StreamingQuery/"]
ANSWERS = ["environment", "sql?details=true", "jobs", "stages?details=true", "executors"]


def shown(session: Any) -> str:
    """What the pages and the REST answers of Spark's UI show."""
    context = session.sparkContext
    rest = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}"
    addresses = [f"{context.uiWebUrl}{page}" for page in PAGES]
    addresses += [f"{rest}/{answer}" for answer in ANSWERS]
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=60) as client:
        answers = [client.get(address) for address in addresses]
    assert all(answer.is_success for answer in answers), answers
    return "".join(answer.text for answer in answers)


def test_the_key_is_in_no_plan_page_error_or_checkpoint(
    session: Any, source: Any, host: Host, tmp_path: Path
) -> None:
    from pyspark.errors import PySparkException  # noqa: PLC0415  # absent in `make test`

    frame = source.option("api_key_secret", KEY).load()
    frame.createOrReplaceTempView("keyed")
    options = f"agents 'agent_2', api_key_secret '{KEY}'"
    session.sql(f"CREATE TEMPORARY VIEW by_sql USING agentcalls OPTIONS ({options})")
    for view in ("keyed", "by_sql"):
        session.sql(f"SELECT status, count(*) FROM {view} GROUP BY status").collect()  # noqa: S608
    seen = [frame._jdf.queryExecution().toString(), repr(frame), str(frame.schema)]
    host.app.failing = {"agent_2": 1}
    with pytest.raises(PySparkException) as caught:
        frame.collect()
    seen += [str(caught.value), repr(caught.value)]
    host.app.failing = {}
    sink = (
        session.readStream.format("agentcalls")
        .options(agents="agent_2", api_key_secret=KEY)
        .load()
        .writeStream.format("noop")
        .option("checkpointLocation", str(tmp_path / "checkpoint"))
        .trigger(availableNow=True)
    )

    def run() -> None:
        query = sink.start()
        query.awaitTermination()
        seen.append(str(query.lastProgress))

    streamed(run)
    files = [file for file in (tmp_path / "checkpoint").rglob("*") if file.is_file()]
    assert files
    seen += [file.read_bytes().decode("latin-1") for file in files]
    pages = shown(session)
    assert WARNED in pages  # such a key would be seen
    found = [text[max(0, text.find(KEY) - 300) :][:400] for text in (*seen, pages) if KEY in text]
    assert not found


def test_the_key_is_not_in_the_event_log(stopped: str) -> None:
    assert stopped.count(WARNED) > 1  # docs/spark.md warns of it: Spark does not mask such a name
    assert "agentcalls" in stopped
    at = stopped.find(KEY)
    assert at < 0, stopped[max(0, at - 300) :][:400]
