"""The bodies: a page of a listing, a call in detail, and the envelope of every error.

Fields are in the reference page's order.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

from agentcalls_mock.data import Call
from agentcalls_mock.profiles import Profile
from agentcalls_mock.query import Problem
from agentcalls_mock.transcripts import detail_of


class ApiError(Exception):
    """An answer that is an error; raise it, and the application answers with it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        """Keep the values for the envelope; only a 400 has `problems`."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.problems = problems


def error_response(error: ApiError, request_id: str) -> JSONResponse:
    """The envelope of an error: `message`, `error`, `code`, `statusCode`, `request_id`.

    A 400 has `errors` as well, one entry for each problem.
    """
    body: dict[str, Any] = {
        "message": error.message,
        "error": HTTPStatus(error.status).phrase,
        "code": error.code,
        "statusCode": error.status,
        "request_id": request_id,
    }
    if error.problems:
        body["errors"] = [{"path": item.path, "message": item.message} for item in error.problems]
    return JSONResponse(body, status_code=error.status, headers=error.headers)


def page_response(
    rows: Sequence[Call] | Sequence[Profile], *, total: int, page: int, limit: int
) -> JSONResponse:
    """A page of a listing with its `meta`; no rows means no pages, and no page before the first.

    A page past the end is empty and has a previous page if there is anything at all.
    """
    page_count = -(-total // limit)
    meta = {
        "total_count": total,
        "page_count": page_count,
        "current_page": page,
        "limit": limit,
        "has_next_page": page < page_count,
        "has_previous_page": page > 1 and page_count > 0,
    }
    return JSONResponse({"message": "Success", "meta": meta, "data": [_fields(r) for r in rows]})


def call_response(call: Call) -> JSONResponse:
    """A call in detail, with its transcript."""
    return JSONResponse({"message": "Success", "data": _fields(call) | detail_of(call)})


def _fields(row: Call | Profile) -> dict[str, Any]:
    # SQLite has no booleans.
    real = {"is_test_call": bool(row.is_test_call)} if isinstance(row, Call) else {}
    return row._asdict() | real
