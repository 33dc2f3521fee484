"""A canary for the key, and all that could be printed meanwhile.

No frame has the key among its locals: it goes from one function straight into the environment.
"""

from __future__ import annotations

import contextlib
import io
import logging
import pickle
import traceback
import warnings
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Generator

LOGGERS = ("", "agentcalls", "httpx", "httpcore", "asyncio")
SCHEMES = {"first": "bearer", "later": "x-api-key"}
"""The scheme with which each position of a fault is asked for, so that both are."""


def canary() -> str:
    return "sk_Canary/" + "7f3a" * 5


class Printed:
    """Every logger's records at DEBUG, warnings, output, and what is added."""

    def __init__(self) -> None:
        self._text = io.StringIO()
        self.warned: list[str] = []

    def add(self, *values: object) -> None:
        for value in values:
            self._text.write(f"{value!r}\n{value}\n")

    def add_error(self, error: BaseException) -> None:
        self.add(error, error.args, vars(error), pickle.dumps(error))
        link: BaseException | None = error
        while link:
            self.add(link, link.args, vars(link))
            if isinstance(link, httpx.RequestError):
                self.add(link.request, link.request.headers.raw)
            link = link.__cause__ or link.__context__
        for line in traceback.TracebackException.from_exception(
            error, capture_locals=True
        ).format():
            self._text.write(line)

    @contextlib.contextmanager
    def listening(self) -> Generator[None]:
        handler = logging.StreamHandler(self._text)
        handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)r"))
        before = [(logging.getLogger(name), logging.getLogger(name).level) for name in LOGGERS]
        with (
            warnings.catch_warnings(record=True) as warned,
            contextlib.redirect_stdout(self._text),
            contextlib.redirect_stderr(self._text),
        ):
            warnings.simplefilter("always")
            for logger, _ in before:
                logger.setLevel(logging.DEBUG)
            root = logging.getLogger()
            others = root.handlers
            root.handlers = [handler]  # pytest's own would format each record, too
            try:
                yield
            finally:
                root.handlers = others
                for logger, level in before:
                    logger.setLevel(level)
        self.add(*warned)
        self.warned += map(str, warned)

    @property
    def text(self) -> str:
        return self._text.getvalue()

    def shows_the_key(self) -> bool:
        """Whether half of the key is anywhere, in whatever case."""
        return canary()[: len(canary()) // 2 + 1].lower() in self.text.lower()
