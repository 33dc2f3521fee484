"""Contains all the data models used in inputs/outputs"""

from .api_error import ApiError
from .call import Call
from .call_page import CallPage
from .field_error import FieldError
from .page_meta import PageMeta

__all__ = (
    "ApiError",
    "Call",
    "CallPage",
    "FieldError",
    "PageMeta",
)
