"""The tables, as SQL. Triggers update the derived data if rows are changed from outside."""

from agentcalls_mock.data import Call
from agentcalls_mock.profiles import Profile

# In the file's header, "acm" and a version: tells our files from others', and from older ones.
APPLICATION_ID = 0x61636D32

# Joins the fields in `visible`; a search that contains it finds nothing.
SEPARATOR = "\x1f"

_PROFILE = ", ".join(Profile._fields[1:])
_VISIBLE = f" || char({ord(SEPARATOR)}) || ".join(
    "CASE is_test_call WHEN 1 THEN 'true' ELSE 'false' END"
    if name == "is_test_call"
    else f"coalesce({name}, '')"
    for name in Call._fields
)

TABLES = (
    "CREATE TABLE seeding (seed, calls, agents, anchor)",
    f"""CREATE TABLE agents (
        key INTEGER PRIMARY KEY, team TEXT NOT NULL, id TEXT NOT NULL UNIQUE, {_PROFILE}
    )""",
    # `visible` is what a search looks through. SQLite folds the case of ASCII letters only.
    f"""CREATE TABLE calls (
        key INTEGER PRIMARY KEY,
        agent INTEGER NOT NULL REFERENCES agents (key),
        id TEXT NOT NULL,
        source TEXT,
        destination TEXT NOT NULL,
        status TEXT NOT NULL,
        direction TEXT NOT NULL,
        created_on TEXT NOT NULL,
        duration_seconds INTEGER,
        is_test_call INTEGER NOT NULL,
        error_reason TEXT,
        end_reason TEXT,
        ringing_at TEXT,
        ended_at TEXT,
        visible TEXT NOT NULL GENERATED ALWAYS AS (lower({_VISIBLE})) STORED
    )""",
    # count(*) would be half of a page's time, so counts are kept.
    """CREATE TABLE counts (
        agent INTEGER, status TEXT, is_test_call INTEGER, total INTEGER NOT NULL,
        PRIMARY KEY (agent, status, is_test_call)
    ) WITHOUT ROWID""",
)

_ADD = """INSERT INTO counts VALUES (new.agent, new.status, new.is_test_call, 1)
    ON CONFLICT DO UPDATE SET total = total + 1;"""
_REMOVE = """UPDATE counts SET total = total - 1 WHERE agent = old.agent
    AND status = old.status AND is_test_call = old.is_test_call;"""

# Made once the rows are in: indexes are built faster than kept, and so are the counts.
INDEXES = (
    "CREATE UNIQUE INDEX calls_id ON calls (id)",
    "CREATE INDEX calls_created_on ON calls (agent, created_on, id)",
    # With is_test_call at its end, the two filters together stay inside the index as well.
    "CREATE INDEX calls_status ON calls (agent, status, created_on, id, is_test_call)",
    "CREATE INDEX calls_is_test_call ON calls (agent, is_test_call, created_on, id)",
    """INSERT INTO counts
        SELECT agent, status, is_test_call, count(*) FROM calls GROUP BY 1, 2, 3""",
    f"CREATE TRIGGER calls_insert AFTER INSERT ON calls BEGIN {_ADD} END",
    f"CREATE TRIGGER calls_delete AFTER DELETE ON calls BEGIN {_REMOVE} END",
    f"""CREATE TRIGGER calls_update AFTER UPDATE OF agent, status, is_test_call ON calls
        BEGIN {_REMOVE} {_ADD} END""",
)
