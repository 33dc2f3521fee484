from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ... import errors
from ...models.api_error import ApiError
from ...models.call_page import CallPage
from ...types import UNSET, Response, Unset

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client


def _get_kwargs(
    agent_id: str,
    *,
    page: int | Unset = UNSET,
    limit: int | Unset = UNSET,
    search: str | Unset = UNSET,
    sort: str | Unset = UNSET,
    is_test_call: bool | Unset = UNSET,
    status: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["page"] = page

    params["limit"] = limit

    params["search"] = search

    params["sort"] = sort

    params["is_test_call"] = is_test_call

    params["status"] = status

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/console/agents/{agent_id}/calls".format(
            agent_id=quote(str(agent_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ApiError | CallPage | None:
    if response.status_code == 200:
        response_200 = CallPage.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = ApiError.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ApiError.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ApiError.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = ApiError.from_dict(response.json())

        return response_404

    if response.status_code == 429:
        response_429 = ApiError.from_dict(response.json())

        return response_429

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ApiError | CallPage]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    agent_id: str,
    *,
    client: AuthenticatedClient,
    page: int | Unset = UNSET,
    limit: int | Unset = UNSET,
    search: str | Unset = UNSET,
    sort: str | Unset = UNSET,
    is_test_call: bool | Unset = UNSET,
    status: str | Unset = UNSET,
) -> Response[ApiError | CallPage]:
    """List calls

     Paginated telephony call logs for an agent. Returns id, source, destination, status, direction,
    created_on, duration_seconds, is_test_call, error_reason, end_reason, ringing_at, and ended_at.

    Args:
        agent_id (str): The agent whose calls are listed, by its id.
        page (int | Unset): Page number (1-based)
        limit (int | Unset): Items per page (max 100)
        search (str | Unset): Free-text search filter
        sort (str | Unset): Sort field with optional leading "-" for descending (e.g.
            "-created_at").
        is_test_call (bool | Unset): Filter test vs live calls
        status (str | Unset): Filter by call status

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ApiError | CallPage]
    """

    kwargs = _get_kwargs(
        agent_id=agent_id,
        page=page,
        limit=limit,
        search=search,
        sort=sort,
        is_test_call=is_test_call,
        status=status,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    agent_id: str,
    *,
    client: AuthenticatedClient,
    page: int | Unset = UNSET,
    limit: int | Unset = UNSET,
    search: str | Unset = UNSET,
    sort: str | Unset = UNSET,
    is_test_call: bool | Unset = UNSET,
    status: str | Unset = UNSET,
) -> ApiError | CallPage | None:
    """List calls

     Paginated telephony call logs for an agent. Returns id, source, destination, status, direction,
    created_on, duration_seconds, is_test_call, error_reason, end_reason, ringing_at, and ended_at.

    Args:
        agent_id (str): The agent whose calls are listed, by its id.
        page (int | Unset): Page number (1-based)
        limit (int | Unset): Items per page (max 100)
        search (str | Unset): Free-text search filter
        sort (str | Unset): Sort field with optional leading "-" for descending (e.g.
            "-created_at").
        is_test_call (bool | Unset): Filter test vs live calls
        status (str | Unset): Filter by call status

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ApiError | CallPage
    """

    return sync_detailed(
        agent_id=agent_id,
        client=client,
        page=page,
        limit=limit,
        search=search,
        sort=sort,
        is_test_call=is_test_call,
        status=status,
    ).parsed


async def asyncio_detailed(
    agent_id: str,
    *,
    client: AuthenticatedClient,
    page: int | Unset = UNSET,
    limit: int | Unset = UNSET,
    search: str | Unset = UNSET,
    sort: str | Unset = UNSET,
    is_test_call: bool | Unset = UNSET,
    status: str | Unset = UNSET,
) -> Response[ApiError | CallPage]:
    """List calls

     Paginated telephony call logs for an agent. Returns id, source, destination, status, direction,
    created_on, duration_seconds, is_test_call, error_reason, end_reason, ringing_at, and ended_at.

    Args:
        agent_id (str): The agent whose calls are listed, by its id.
        page (int | Unset): Page number (1-based)
        limit (int | Unset): Items per page (max 100)
        search (str | Unset): Free-text search filter
        sort (str | Unset): Sort field with optional leading "-" for descending (e.g.
            "-created_at").
        is_test_call (bool | Unset): Filter test vs live calls
        status (str | Unset): Filter by call status

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ApiError | CallPage]
    """

    kwargs = _get_kwargs(
        agent_id=agent_id,
        page=page,
        limit=limit,
        search=search,
        sort=sort,
        is_test_call=is_test_call,
        status=status,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    agent_id: str,
    *,
    client: AuthenticatedClient,
    page: int | Unset = UNSET,
    limit: int | Unset = UNSET,
    search: str | Unset = UNSET,
    sort: str | Unset = UNSET,
    is_test_call: bool | Unset = UNSET,
    status: str | Unset = UNSET,
) -> ApiError | CallPage | None:
    """List calls

     Paginated telephony call logs for an agent. Returns id, source, destination, status, direction,
    created_on, duration_seconds, is_test_call, error_reason, end_reason, ringing_at, and ended_at.

    Args:
        agent_id (str): The agent whose calls are listed, by its id.
        page (int | Unset): Page number (1-based)
        limit (int | Unset): Items per page (max 100)
        search (str | Unset): Free-text search filter
        sort (str | Unset): Sort field with optional leading "-" for descending (e.g.
            "-created_at").
        is_test_call (bool | Unset): Filter test vs live calls
        status (str | Unset): Filter by call status

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ApiError | CallPage
    """

    return (
        await asyncio_detailed(
            agent_id=agent_id,
            client=client,
            page=page,
            limit=limit,
            search=search,
            sort=sort,
            is_test_call=is_test_call,
            status=status,
        )
    ).parsed
