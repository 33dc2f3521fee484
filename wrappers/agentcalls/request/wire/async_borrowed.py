"""An async client of httpx, or of a library like it, as the transport; see `borrowed.py`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agentcalls.request.log import keyless_logs
from agentcalls.request.wire.borrowed import BorrowedBase, starts
from agentcalls.request.wire.library import httpx

if TYPE_CHECKING:
    from agentcalls.clock import Deadline
    from agentcalls.request.key import KeyAuth
    from agentcalls.request.operation import Outgoing
    from agentcalls.request.receive import Incoming


class AsyncBorrowed(BorrowedBase):
    """An async client."""

    async def exchange(
        self,
        outgoing: Outgoing[Any],
        auth: KeyAuth,
        request_id: str,
        incoming: Incoming,
        deadline: Deadline,
    ) -> None:
        """Send a request, and let `incoming` take its answer. Raises the errors of the client's library."""
        request = self._request(outgoing, auth, request_id, deadline)
        whole = asyncio.timeout(deadline.left())
        try:
            with keyless_logs(auth):
                async with whole:
                    await self._exchange(request, incoming)
        except TimeoutError as error:
            if not whole.expired():
                raise
            raise httpx.ReadTimeout("the deadline passed") from error

    async def _exchange(self, request: Any, incoming: Incoming) -> None:
        response = await self._http.send(request, auth=None, stream=True, follow_redirects=False)
        try:
            if not starts(incoming, response):
                pass
            elif response.is_stream_consumed:
                incoming.add(response.content)
            else:
                async for chunk in response.stream:
                    if not incoming.add(chunk):
                        break
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close the client."""
        await self._http.aclose()
