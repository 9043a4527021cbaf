"""The asynchronous client: its resources. ``scripts/unasync.py`` makes ``_sync_resources.py`` from this file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from typing_extensions import Unpack

from ._request import part, reasoned
from .fields import (
    BatchFields,
    BatchFilters,
    BatchStartFields,
    DeliveryFilters,
    EndpointChanges,
    EndpointFields,
    EndpointFilters,
    EndpointTestFields,
    EventFilters,
    EventTypeFields,
    EventTypeFilters,
    RotationFields,
)
from .types import (
    Batch,
    Delivery,
    DeliveryWithAttempts,
    Endpoint,
    EndpointSecrets,
    EndpointTest,
    EndpointWithSecret,
    Event,
    EventResults,
    EventType,
    EventWithOutcome,
    ListedEventType,
    NewEvent,
)

if TYPE_CHECKING:
    from ._async import AsyncSurehook


class AsyncEvents:
    def __init__(self, client: AsyncSurehook) -> None:
        self._client = client

    async def get(self, id: str) -> Event:
        return await self._client.request("GET", f"/v1/events/{part(id)}")

    def list(self, **filters: Unpack[EventFilters]) -> AsyncIterator[EventWithOutcome]:
        return self._client.pages("/v1/events", filters)

    async def create_many(self, events: Sequence[NewEvent]) -> EventResults:
        """Up to 1,000 events in a request, each with a result of its own."""
        return await self._client.request("POST", "/v1/events/batch", body={"events": [*events]})


class AsyncEndpoints:
    def __init__(self, client: AsyncSurehook) -> None:
        self._client = client

    async def create(
        self, url: str, event_types: Sequence[str], *, idempotency_key: str | None = None, **fields: Unpack[EndpointFields]
    ) -> EndpointWithSecret:
        body = {"url": url, "event_types": [*event_types], **fields}
        return await self._client.request("POST", "/v1/endpoints", body=body, idempotency_key=idempotency_key)

    async def get(self, id: str) -> Endpoint:
        return await self._client.request("GET", f"/v1/endpoints/{part(id)}")

    def list(self, **filters: Unpack[EndpointFilters]) -> AsyncIterator[Endpoint]:
        return self._client.pages("/v1/endpoints", filters)

    async def update(self, id: str, **fields: Unpack[EndpointChanges]) -> Endpoint:
        return await self._client.request("PATCH", f"/v1/endpoints/{part(id)}", body=fields)

    async def delete(self, id: str) -> None:
        await self._client.request("DELETE", f"/v1/endpoints/{part(id)}")

    async def pause(self, id: str, reason: str) -> Endpoint:
        return await self._client.request("POST", f"/v1/endpoints/{part(id)}/pause", body={"reason": reason})

    async def resume(self, id: str) -> Endpoint:
        return await self._client.request("POST", f"/v1/endpoints/{part(id)}/resume")

    async def enable(self, id: str, reason: str | None = None) -> Endpoint:
        return await self._client.request("POST", f"/v1/endpoints/{part(id)}/enable", body=reasoned(reason))

    async def disable(self, id: str, reason: str | None = None) -> Endpoint:
        return await self._client.request("POST", f"/v1/endpoints/{part(id)}/disable", body=reasoned(reason))

    async def secret(self, id: str) -> EndpointSecrets:
        return await self._client.request("GET", f"/v1/endpoints/{part(id)}/secret")

    async def rotate_secret(self, id: str, **fields: Unpack[RotationFields]) -> EndpointSecrets:
        return await self._client.request("POST", f"/v1/endpoints/{part(id)}/rotate-secret", body=fields)

    async def test(self, id: str, **fields: Unpack[EndpointTestFields]) -> EndpointTest:
        """Sends one signed sample, and returns the whole attempt with a diagnosis. Is not tried again: each try sends one."""
        path = f"/v1/endpoints/{part(id)}/test"
        return await self._client.request("POST", path, body=fields, max_retries=0)


class AsyncEventTypes:
    def __init__(self, client: AsyncSurehook) -> None:
        self._client = client

    async def create(self, name: str, **fields: Unpack[EventTypeFields]) -> EventType:
        return await self._client.request("POST", "/v1/event-types", body={"name": name, **fields})

    async def get(self, name: str) -> EventType:
        return await self._client.request("GET", f"/v1/event-types/{part(name)}")

    def list(self, **filters: Unpack[EventTypeFilters]) -> AsyncIterator[ListedEventType]:
        return self._client.pages("/v1/event-types", filters)


class AsyncDeliveries:
    def __init__(self, client: AsyncSurehook) -> None:
        self._client = client

    async def get(self, id: str) -> DeliveryWithAttempts:
        return await self._client.request("GET", f"/v1/deliveries/{part(id)}")

    def list(self, **filters: Unpack[DeliveryFilters]) -> AsyncIterator[Delivery]:
        return self._client.pages("/v1/deliveries", filters)

    async def retry(self, id: str) -> Delivery:
        return await self._client.request("POST", f"/v1/deliveries/{part(id)}/retry")

    async def cancel(self, id: str) -> Delivery:
        return await self._client.request("POST", f"/v1/deliveries/{part(id)}/cancel")


class AsyncBatches:
    def __init__(self, client: AsyncSurehook) -> None:
        self._client = client

    async def create(self, **fields: Unpack[BatchFields]) -> Batch:
        """Takes ``delivery_ids`` or a ``filter``."""
        return await self._client.request("POST", "/v1/batches", body=fields)

    async def get(self, id: str) -> Batch:
        return await self._client.request("GET", f"/v1/batches/{part(id)}")

    def list(self, **filters: Unpack[BatchFilters]) -> AsyncIterator[Batch]:
        return self._client.pages("/v1/batches", filters)

    async def start(self, id: str, **fields: Unpack[BatchStartFields]) -> Batch:
        return await self._client.request("POST", f"/v1/batches/{part(id)}/start", body=fields)

    async def cancel(self, id: str) -> Batch:
        return await self._client.request("POST", f"/v1/batches/{part(id)}/cancel")
