from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ... import errors
from ...models.agent_page import AgentPage
from ...models.api_error import ApiError
from ...types import UNSET, Response, Unset

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client


def _get_kwargs(
    *,
    page: int | Unset = 1,
    limit: int | Unset = 20,
    search: str | Unset = UNSET,
    sort: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["page"] = page

    params["limit"] = limit

    params["search"] = search

    params["sort"] = sort

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/console/agents",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AgentPage | ApiError | None:
    if response.status_code == 200:
        response_200 = AgentPage.from_dict(response.json())

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

    if response.status_code == 429:
        response_429 = ApiError.from_dict(response.json())

        return response_429

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[AgentPage | ApiError]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    page: int | Unset = 1,
    limit: int | Unset = 20,
    search: str | Unset = UNSET,
    sort: str | Unset = UNSET,
) -> Response[AgentPage | ApiError]:
    """List agents

     The voice agents of the key's team, paged.

    Args:
        page (int | Unset): Page number (1-based) Default: 1.
        limit (int | Unset): Items per page (max 100) Default: 20.
        search (str | Unset): Free-text search filter, up to 255 characters
        sort (str | Unset): Sort field with optional leading "-" for descending (e.g.
            "-created_at"), up to 64 characters

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AgentPage | ApiError]
    """

    kwargs = _get_kwargs(
        page=page,
        limit=limit,
        search=search,
        sort=sort,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    page: int | Unset = 1,
    limit: int | Unset = 20,
    search: str | Unset = UNSET,
    sort: str | Unset = UNSET,
) -> AgentPage | ApiError | None:
    """List agents

     The voice agents of the key's team, paged.

    Args:
        page (int | Unset): Page number (1-based) Default: 1.
        limit (int | Unset): Items per page (max 100) Default: 20.
        search (str | Unset): Free-text search filter, up to 255 characters
        sort (str | Unset): Sort field with optional leading "-" for descending (e.g.
            "-created_at"), up to 64 characters

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AgentPage | ApiError
    """

    return sync_detailed(
        client=client,
        page=page,
        limit=limit,
        search=search,
        sort=sort,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    page: int | Unset = 1,
    limit: int | Unset = 20,
    search: str | Unset = UNSET,
    sort: str | Unset = UNSET,
) -> Response[AgentPage | ApiError]:
    """List agents

     The voice agents of the key's team, paged.

    Args:
        page (int | Unset): Page number (1-based) Default: 1.
        limit (int | Unset): Items per page (max 100) Default: 20.
        search (str | Unset): Free-text search filter, up to 255 characters
        sort (str | Unset): Sort field with optional leading "-" for descending (e.g.
            "-created_at"), up to 64 characters

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AgentPage | ApiError]
    """

    kwargs = _get_kwargs(
        page=page,
        limit=limit,
        search=search,
        sort=sort,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    page: int | Unset = 1,
    limit: int | Unset = 20,
    search: str | Unset = UNSET,
    sort: str | Unset = UNSET,
) -> AgentPage | ApiError | None:
    """List agents

     The voice agents of the key's team, paged.

    Args:
        page (int | Unset): Page number (1-based) Default: 1.
        limit (int | Unset): Items per page (max 100) Default: 20.
        search (str | Unset): Free-text search filter, up to 255 characters
        sort (str | Unset): Sort field with optional leading "-" for descending (e.g.
            "-created_at"), up to 64 characters

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AgentPage | ApiError
    """

    return (
        await asyncio_detailed(
            client=client,
            page=page,
            limit=limit,
            search=search,
            sort=sort,
        )
    ).parsed
