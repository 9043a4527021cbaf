"""The synchronous client: made by ``scripts/unasync.py``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    from ._sync import Surehook


class Events:
    def __init__(self, client: Surehook) -> None:
        self._client = client

    def get(self, id: str) -> Event:
        return self._client.request("GET", f"/v1/events/{part(id)}")

    def list(self, **filters: Unpack[EventFilters]) -> Iterator[EventWithOutcome]:
        return self._client.pages("/v1/events", filters)

    def create_many(self, events: Sequence[NewEvent]) -> EventResults:
        """Up to 1,000 events in a request, each with a result of its own."""
        return self._client.request("POST", "/v1/events/batch", body={"events": [*events]})


class Endpoints:
    def __init__(self, client: Surehook) -> None:
        self._client = client

    def create(
        self, url: str, event_types: Sequence[str], *, idempotency_key: str | None = None, **fields: Unpack[EndpointFields]
    ) -> EndpointWithSecret:
        body = {"url": url, "event_types": [*event_types], **fields}
        return self._client.request("POST", "/v1/endpoints", body=body, idempotency_key=idempotency_key)

    def get(self, id: str) -> Endpoint:
        return self._client.request("GET", f"/v1/endpoints/{part(id)}")

    def list(self, **filters: Unpack[EndpointFilters]) -> Iterator[Endpoint]:
        return self._client.pages("/v1/endpoints", filters)

    def update(self, id: str, **fields: Unpack[EndpointChanges]) -> Endpoint:
        return self._client.request("PATCH", f"/v1/endpoints/{part(id)}", body=fields)

    def delete(self, id: str) -> None:
        self._client.request("DELETE", f"/v1/endpoints/{part(id)}")

    def pause(self, id: str, reason: str) -> Endpoint:
        return self._client.request("POST", f"/v1/endpoints/{part(id)}/pause", body={"reason": reason})

    def resume(self, id: str) -> Endpoint:
        return self._client.request("POST", f"/v1/endpoints/{part(id)}/resume")

    def enable(self, id: str, reason: str | None = None) -> Endpoint:
        return self._client.request("POST", f"/v1/endpoints/{part(id)}/enable", body=reasoned(reason))

    def disable(self, id: str, reason: str | None = None) -> Endpoint:
        return self._client.request("POST", f"/v1/endpoints/{part(id)}/disable", body=reasoned(reason))

    def secret(self, id: str) -> EndpointSecrets:
        return self._client.request("GET", f"/v1/endpoints/{part(id)}/secret")

    def rotate_secret(self, id: str, **fields: Unpack[RotationFields]) -> EndpointSecrets:
        return self._client.request("POST", f"/v1/endpoints/{part(id)}/rotate-secret", body=fields)

    def test(self, id: str, **fields: Unpack[EndpointTestFields]) -> EndpointTest:
        """Sends one signed sample, and returns the whole attempt with a diagnosis. Is not tried again: each try sends one."""
        path = f"/v1/endpoints/{part(id)}/test"
        return self._client.request("POST", path, body=fields, max_retries=0)


class EventTypes:
    def __init__(self, client: Surehook) -> None:
        self._client = client

    def create(self, name: str, **fields: Unpack[EventTypeFields]) -> EventType:
        return self._client.request("POST", "/v1/event-types", body={"name": name, **fields})

    def get(self, name: str) -> EventType:
        return self._client.request("GET", f"/v1/event-types/{part(name)}")

    def list(self, **filters: Unpack[EventTypeFilters]) -> Iterator[ListedEventType]:
        return self._client.pages("/v1/event-types", filters)


class Deliveries:
    def __init__(self, client: Surehook) -> None:
        self._client = client

    def get(self, id: str) -> DeliveryWithAttempts:
        return self._client.request("GET", f"/v1/deliveries/{part(id)}")

    def list(self, **filters: Unpack[DeliveryFilters]) -> Iterator[Delivery]:
        return self._client.pages("/v1/deliveries", filters)

    def retry(self, id: str) -> Delivery:
        return self._client.request("POST", f"/v1/deliveries/{part(id)}/retry")

    def cancel(self, id: str) -> Delivery:
        return self._client.request("POST", f"/v1/deliveries/{part(id)}/cancel")


class Batches:
    def __init__(self, client: Surehook) -> None:
        self._client = client

    def create(self, **fields: Unpack[BatchFields]) -> Batch:
        """Takes ``delivery_ids`` or a ``filter``."""
        return self._client.request("POST", "/v1/batches", body=fields)

    def get(self, id: str) -> Batch:
        return self._client.request("GET", f"/v1/batches/{part(id)}")

    def list(self, **filters: Unpack[BatchFilters]) -> Iterator[Batch]:
        return self._client.pages("/v1/batches", filters)

    def start(self, id: str, **fields: Unpack[BatchStartFields]) -> Batch:
        return self._client.request("POST", f"/v1/batches/{part(id)}/start", body=fields)

    def cancel(self, id: str) -> Batch:
        return self._client.request("POST", f"/v1/batches/{part(id)}/cancel")
