"""The synchronous client: made from ``_async.py`` by ``scripts/unasync.py``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
from typing_extensions import Self

from ._deadline import send_sync
from ._request import answer, build, event_body, part, reasoned, settings
from ._retry import retry_delay
from .errors import ConnectionError, api_error
from .types import (
    AcceptedEvent,
    Batch,
    Delivery,
    DeliveryWithAttempts,
    Endpoint,
    EndpointSecrets,
    EndpointWithSecret,
    Event,
    EventType,
    ListedEvent,
)


class Surehook:
    """A client of the API of Surehook; raises a ``SurehookError`` for everything that fails.

    ``url`` and ``api_key`` default to the environment's ``SUREHOOK_URL`` and ``SUREHOOK_API_KEY``. ``timeout``: seconds of each
    try, until its answer is whole. ``max_retries``: further tries after a failed one.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        max_retries: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._settings = settings(url, api_key, timeout, max_retries)
        self._http = httpx.Client(
            headers=self._settings.headers, timeout=timeout, transport=transport, follow_redirects=False
        )
        self.events = Events(self)
        self.endpoints = Endpoints(self)
        self.event_types = EventTypes(self)
        self.deliveries = Deliveries(self)
        self.batches = Batches(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def send(
        self, url: str, payload: Any, *, idempotency_key: str | None = None, **fields: Any
    ) -> AcceptedEvent:
        """One durable webhook to any URL: stored when this returns, then sent until it is delivered or has failed for good.

        ``fields``: ``type``, ``headers``, ``tenant``, as in ``POST /v1/send``.
        """
        body = event_body({"url": url, "payload": payload}, idempotency_key, fields)
        return self.request("POST", "/v1/send", body=body)

    def publish(
        self, type: str, payload: Any, *, idempotency_key: str | None = None, **fields: Any
    ) -> AcceptedEvent:
        """States a fact: each endpoint that subscribes to its type gets it. It is stored when this returns.

        ``fields``: ``tenant``, ``endpoint_ids``, ``headers``, …, as in ``POST /v1/events``.
        """
        body = event_body({"type": type, "payload": payload}, idempotency_key, fields)
        return self.request("POST", "/v1/events", body=body)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: Any = None,
        idempotency_key: str | None = None,
        max_retries: int | None = None,
    ) -> Any:
        """Any request of the API, with retries; returns the body of the answer."""
        retries = self._settings.max_retries if max_retries is None else max_retries
        request = build(self._http, self._settings.url, method, path, query, body, idempotency_key)
        tries = 0
        while True:
            tries += 1
            result: httpx.Response | httpx.RequestError
            try:
                result = send_sync(self._http, request, self._settings.timeout)
            except httpx.RequestError as error:
                result = error
            if isinstance(result, httpx.Response):
                if result.is_success:
                    return answer(result)
                if method == "DELETE" and result.status_code == 404 and tries > 1:
                    return None  # An earlier try has deleted it, and its answer was lost.
            delay = retry_delay(result, tries) if tries <= retries else None
            if delay is None:
                if isinstance(result, httpx.Response):
                    raise api_error(result)
                raise ConnectionError(f"{request.url.host} did not answer: {result!r}") from result
            time.sleep(delay)

    def pages(self, path: str, query: dict[str, Any]) -> Iterator[Any]:
        """The rows of a list, read page after page. A trailing underscore of a name is dropped: ``from`` is a keyword of Python."""
        cursor: str | None = None
        query = {name.removesuffix("_"): value for name, value in query.items()}
        while True:
            page = self.request("GET", path, query={**query, "cursor": cursor})
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return


class Events:
    def __init__(self, client: Surehook) -> None:
        self._client = client

    def get(self, id: str) -> Event:
        return self._client.request("GET", f"/v1/events/{part(id)}")

    def list(self, **filters: Any) -> Iterator[ListedEvent]:
        return self._client.pages("/v1/events", filters)

    def create_many(self, events: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Up to 1,000 events in a request, each with a result of its own."""
        return self._client.request("POST", "/v1/events/batch", body={"events": [*events]})


class Endpoints:
    def __init__(self, client: Surehook) -> None:
        self._client = client

    def create(
        self, url: str, event_types: Sequence[str], *, idempotency_key: str | None = None, **fields: Any
    ) -> EndpointWithSecret:
        body = {"url": url, "event_types": [*event_types], **fields}
        return self._client.request("POST", "/v1/endpoints", body=body, idempotency_key=idempotency_key)

    def get(self, id: str) -> Endpoint:
        return self._client.request("GET", f"/v1/endpoints/{part(id)}")

    def list(self, **filters: Any) -> Iterator[Endpoint]:
        return self._client.pages("/v1/endpoints", filters)

    def update(self, id: str, **fields: Any) -> Endpoint:
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

    def rotate_secret(self, id: str, **fields: Any) -> EndpointSecrets:
        return self._client.request("POST", f"/v1/endpoints/{part(id)}/rotate-secret", body=fields)

    def test(self, id: str, **fields: Any) -> dict[str, Any]:
        """Sends one signed sample, and returns the whole attempt with a diagnosis. Is not tried again: each try sends one."""
        path = f"/v1/endpoints/{part(id)}/test"
        return self._client.request("POST", path, body=fields, max_retries=0)


class EventTypes:
    def __init__(self, client: Surehook) -> None:
        self._client = client

    def create(self, name: str, **fields: Any) -> EventType:
        return self._client.request("POST", "/v1/event-types", body={"name": name, **fields})

    def get(self, name: str) -> EventType:
        return self._client.request("GET", f"/v1/event-types/{part(name)}")

    def list(self, **filters: Any) -> Iterator[dict[str, Any]]:
        return self._client.pages("/v1/event-types", filters)


class Deliveries:
    def __init__(self, client: Surehook) -> None:
        self._client = client

    def get(self, id: str) -> DeliveryWithAttempts:
        return self._client.request("GET", f"/v1/deliveries/{part(id)}")

    def list(self, **filters: Any) -> Iterator[Delivery]:
        return self._client.pages("/v1/deliveries", filters)

    def retry(self, id: str) -> Delivery:
        return self._client.request("POST", f"/v1/deliveries/{part(id)}/retry")

    def cancel(self, id: str) -> Delivery:
        return self._client.request("POST", f"/v1/deliveries/{part(id)}/cancel")


class Batches:
    def __init__(self, client: Surehook) -> None:
        self._client = client

    def create(self, **fields: Any) -> Batch:
        """``delivery_ids`` or ``filter``, ``dry_run``, …, as in ``POST /v1/batches``."""
        return self._client.request("POST", "/v1/batches", body=fields)

    def get(self, id: str) -> Batch:
        return self._client.request("GET", f"/v1/batches/{part(id)}")

    def list(self, **filters: Any) -> Iterator[Batch]:
        return self._client.pages("/v1/batches", filters)

    def start(self, id: str, **fields: Any) -> Batch:
        return self._client.request("POST", f"/v1/batches/{part(id)}/start", body=fields)

    def cancel(self, id: str) -> Batch:
        return self._client.request("POST", f"/v1/batches/{part(id)}/cancel")
