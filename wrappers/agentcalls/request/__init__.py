"""One page: from a query to a page, or to an error."""
