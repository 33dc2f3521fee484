"""Why a walk is not complete, as its report says it."""

NOT_EXACT = "Pages were read without overlap, as exact=False asks for."
NOT_FROM_START = "Reading began behind the start of the listing."
UNORDERED = (
    "The rows do not come in order of created_on: the listing was read to its end, unproven."
)
ONE_KEY = "More calls share one created_on than a page holds: the order cannot be seen."
MALFORMED = "A row lacks its id or created_on."
TWICE = "A call came twice in different places."
UNJOINED = (
    "The listing shifted, or calls share one created_on, so that two windows could not be joined."
)
REGRANTED = "The server does not apply the limit that it is asked for."
OVERFULL = "The server gave more calls than it was asked for."
SHORT = "The server gave a short page and said that more follow."
CLAMPED = "The server gave an earlier page than it was asked for."
UNCONFIRMED = "The server does not say which limit it applied, and its only page came short."
MAX_ITEMS = "Reading stopped at max_items."
MAX_PAGES = "Reading stopped at max_pages."
ABANDONED = "The listing was not read to its end."
