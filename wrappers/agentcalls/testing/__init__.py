"""Calls and pages for tests, without a server; `agentcalls_mock.MockCallsAPI` is the server.

>>> from agentcalls.testing import make_call, make_page
>>> make_page([make_call(status="failed")]).data[0].error_reason
'SIP 503 Service Unavailable'

`agentcalls.testing.strategies` has strategies for Hypothesis, which is imported with it, and not before.
"""

from agentcalls.testing.making import make_call, make_page

__all__ = ["make_call", "make_page"]
