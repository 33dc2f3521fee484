"""Contains all the data models used in inputs/outputs"""

from .agent import Agent
from .agent_page import AgentPage
from .api_error import ApiError
from .attachment import Attachment
from .call import Call
from .call_answer import CallAnswer
from .call_detail import CallDetail
from .call_message import CallMessage
from .call_page import CallPage
from .field_error import FieldError
from .page_meta import PageMeta

__all__ = (
    "Agent",
    "AgentPage",
    "ApiError",
    "Attachment",
    "Call",
    "CallAnswer",
    "CallDetail",
    "CallMessage",
    "CallPage",
    "FieldError",
    "PageMeta",
)
