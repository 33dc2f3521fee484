"""What a field of each kind gives: read by both ways alike, kept where it is wrong, and in every export and list."""

from __future__ import annotations

import copy
import csv
import io
import json
import os
import pickle
import re
import sqlite3
from contextlib import closing, redirect_stdout
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch
from uuid import UUID

import attrs
import duckdb
import httpx
from pyarrow import feather, parquet

from agentcalls import Call, Client
from agentcalls.cli import main
from agentcalls.export import export
from agentcalls.request.decode.page import _row_by_row, decode_page
from agentcalls.table.columns import COLUMNS

ROW: dict[str, Any] = {
    "id": "call_1",
    "source": None,
    "destination": "+2348012345678",
    "status": "ended",
    "direction": "outbound",
    "created_on": "2026-11-23T10:00:00+00:00",
    "duration_seconds": 42,
    "is_test_call": False,
    "error_reason": None,
    "end_reason": None,
    "ringing_at": None,
    "ended_at": None,
}
NEW: dict[str, Any] = {
    "tags": ["vip", "spam"],
    "moments": ["2019-08-24T14:15:22+00:00"],
    "score": 0.5,
    "day": "2019-08-24",
    "trace": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "nothing": None,
    "anything": {"any": [1, None]},
    "recordingUrl": "https://recordings.example/1",
    "type": "voice",
    "from": "web",
    "outcome": "good",
    "priority": 2,
    "either": "2019-08-24T14:15:22+00:00",
    "labels": {"team": "blue"},
    "extras": {"a": 1},
    "device": {"osName": "plan9", "booted": "2019-08-24T14:15:22+00:00"},
    "devices": [{"osName": "plan9", "booted": None}],
}
WRONG: dict[str, Any] = {
    "tags": ["vip", 1],
    "moments": [7],
    "score": "0.5",
    "day": "2019-02-30",
    "trace": "3fa85f64",
    "nothing": 3,
    "recordingUrl": 1,
    "type": [],
    "from": {},
    "outcome": "ugly",
    "priority": True,
    "either": "yesterday",
    "labels": {"team": 1},
    "extras": [],
    "device": "plan9",
    "devices": [1],
    "note": 1,
}


def body(*rows: object) -> bytes:
    return json.dumps({"message": "Success", "meta": None, "data": rows}).encode()


MOMENT = datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)
(call,) = decode_page(body(ROW | NEW), "agent_1").data
assert (call.tags, call.moments, call.score, call.day) == (
    ["vip", "spam"],
    [MOMENT],
    0.5,
    date(2019, 8, 24),
)
assert (call.trace, call.nothing, call.anything) == (UUID(NEW["trace"]), None, NEW["anything"])
assert (call.recording_url, call.type_, call.from_) == (NEW["recordingUrl"], "voice", "web")
assert (call.outcome.value, call.priority.value, call.either) == ("good", 2, MOMENT)
assert (call.labels["team"], call.extras["a"], call.note) == (
    "blue",
    1,
    call.devices[0].booted or call.note,
)
assert (call.device.os_name, call.device.booted, call.devices[0].os_name) == (
    "plan9",
    MOMENT,
    "plan9",
)
assert call.agent_id == "agent_1"

# What it was made of comes back, with our spelling of moments, and the generated code reads the same.
again = call.to_dict()
assert again.keys() == (ROW | NEW).keys()
assert Call.from_dict(copy.deepcopy(again)) == call == Call.from_dict(copy.deepcopy(ROW | NEW))
assert pickle.loads(pickle.dumps(call)).to_dict() == again  # noqa: S301 (our own)
assert attrs.evolve(call, note="new").to_dict() == again | {"note": "new"}

# Both ways give the same, whichever field is wrong, missing or new.
assert len(WRONG) == len(NEW)  # any value of `anything` is right, and `note` may be missing
CHANGES: list[dict[str, Any]] = [
    {},
    {"unknown": 1},
    {"note": "x"},
    *({name: wrong} for name, wrong in WRONG.items()),
]
for change in CHANGES:
    row = ROW | NEW | change
    fast = decode_page(body(row), "agent_1")
    slow = _row_by_row(json.loads(body()), [json.loads(json.dumps(row))], "agent_1")
    assert repr(fast.data) == repr(slow.data), change
    assert [problem.field and problem.field.partition(".")[0] for problem in fast.problems] == (
        [name for name in change if name in WRONG and name != "note"]
        if "note" not in change or change["note"] == "x"
        else ["note"]
    ), (change, fast.problems)
    if fast.problems:
        assert fast.data[0].additional_properties == change
    assert fast.data[0].to_dict() == again | change
for name in NEW:
    (missing,) = decode_page(
        body({key: (ROW | NEW)[key] for key in (ROW | NEW) if key != name})
    ).problems
    assert (missing.field, missing.why) == (name, "is missing")
half = {"osName": 1, "booted": None}
(nested,) = decode_page(body(ROW | NEW | {"devices": [half]})).data
assert nested.devices[0].additional_properties == {"osName": 1}
assert nested.to_dict()["devices"] == [half]


def answer(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=body(ROW | NEW, ROW | WRONG | {"id": "call_2"}))


def client(*_: object) -> Client:
    http = httpx.Client(transport=httpx.MockTransport(answer))
    return Client(api_key="sk_1", base_url="https://host", http_client=http)


names = [column.name for column in COLUMNS]
assert names == ["agent_id", *ROW, *NEW, "note", "additional_properties"]
nested_names = {"tags", "moments", "anything", "either", "labels", "extras", "device", "devices"}
with TemporaryDirectory() as folder, client() as reader:

    def made(ending: str) -> Path:
        path = Path(folder) / f"calls.{ending}"
        export(reader, ["agent_1"], path)
        return path

    tables: dict[str, list[dict[str, Any]]] = {
        "parquet": parquet.read_table(made("parquet")).to_pylist(),
        "arrow": feather.read_table(made("arrow")).to_pylist(),
        "csv": list(csv.DictReader(io.StringIO(made("csv").read_text()))),
        "ndjson": list(map(json.loads, made("ndjson").read_text().splitlines())),
        "json": json.loads(made("json").read_text()),
    }
    with closing(sqlite3.connect(made("sqlite"))) as database:
        database.row_factory = sqlite3.Row
        tables["sqlite"] = [dict(row) for row in database.execute("SELECT * FROM calls")]
    with duckdb.connect(str(made("duckdb")), read_only=True) as analytical:
        tables["duckdb"] = analytical.sql("FROM calls").to_arrow_table().to_pylist()
    reader_table = reader.calls.list("agent_1", exact=False).to_arrow().to_pylist()
    assert reader_table == tables["parquet"]
for form, (good, bad) in tables.items():
    assert list(good) == names, form
    for name, value in NEW.items():
        found = good[name]
        if name in nested_names and isinstance(found, str) and form not in {"json", "ndjson"}:
            found = json.loads(found)
        if value is None:
            assert found in {None, ""}, (form, name, found)
        elif name in {"moments", "either", "device"}:
            assert "2019-08-24T14:15:22Z" in json.dumps(found), (form, name, found)
        elif name in {"score", "priority"}:
            assert float(found) == value, (form, name, found)
        else:
            assert str(found) == str(value), (form, name, found)
        if name in WRONG:
            assert bad[name] in {None, ""}, (form, name, bad[name])
    kept = bad["additional_properties"]
    assert (json.loads(kept) if isinstance(kept, str) else kept) == WRONG, (form, kept)


def listed(*options: str) -> str:
    with (
        patch("agentcalls.cli.commands.list.connect", client),
        patch.dict(os.environ, {"AGENTCALLS_API_KEY": "sk_1"}),
        redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) as out,
    ):
        assert main(["list", "agent_1", "--utc", *options]) == 0
        out.seek(0)
        return out.read()


good, bad = json.loads(listed("--json"))
assert list(good) == ["agent_id", *ROW, *NEW, "note", "additional_properties"]
assert (good["recordingUrl"], good["from"], good["trace"]) == (
    NEW["recordingUrl"],
    "web",
    NEW["trace"],
)
assert good["device"] == {"osName": "plan9", "booted": "2019-08-24T14:15:22Z"}
assert all(bad[name] is None for name in WRONG)
assert bad["additional_properties"] == WRONG
line = listed("--format", "table", "--fields", "from,day,tags,score").splitlines()[1]
assert re.split(r" {2,}", line) == ["web", "2019-08-24", '["vip", "spam"]', "0.5"]
