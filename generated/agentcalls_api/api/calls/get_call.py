from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ... import errors
from ...models.api_error import ApiError
from ...models.call_answer import CallAnswer
from ...types import Response

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client


def _get_kwargs(
    agent_id: str,
    call_id: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/console/agents/{agent_id}/calls/{call_id}".format(
            agent_id=quote(str(agent_id), safe=""),
            call_id=quote(str(call_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ApiError | CallAnswer | None:
    if response.status_code == 200:
        response_200 = CallAnswer.from_dict(response.json())

        return response_200

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
) -> Response[ApiError | CallAnswer]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    agent_id: str,
    call_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[ApiError | CallAnswer]:
    """Get a call

     One telephony call of an agent, with its transcript.

    Args:
        agent_id (str): The agent whose call it is, by its id.
        call_id (str): The call, by its id.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ApiError | CallAnswer]
    """

    kwargs = _get_kwargs(
        agent_id=agent_id,
        call_id=call_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    agent_id: str,
    call_id: str,
    *,
    client: AuthenticatedClient,
) -> ApiError | CallAnswer | None:
    """Get a call

     One telephony call of an agent, with its transcript.

    Args:
        agent_id (str): The agent whose call it is, by its id.
        call_id (str): The call, by its id.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ApiError | CallAnswer
    """

    return sync_detailed(
        agent_id=agent_id,
        call_id=call_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    agent_id: str,
    call_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[ApiError | CallAnswer]:
    """Get a call

     One telephony call of an agent, with its transcript.

    Args:
        agent_id (str): The agent whose call it is, by its id.
        call_id (str): The call, by its id.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ApiError | CallAnswer]
    """

    kwargs = _get_kwargs(
        agent_id=agent_id,
        call_id=call_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    agent_id: str,
    call_id: str,
    *,
    client: AuthenticatedClient,
) -> ApiError | CallAnswer | None:
    """Get a call

     One telephony call of an agent, with its transcript.

    Args:
        agent_id (str): The agent whose call it is, by its id.
        call_id (str): The call, by its id.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ApiError | CallAnswer
    """

    return (
        await asyncio_detailed(
            agent_id=agent_id,
            call_id=call_id,
            client=client,
        )
    ).parsed
