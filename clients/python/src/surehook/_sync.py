"""The synchronous client: made by ``scripts/unasync.py``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from typing_extensions import Self, Unpack

from ._sync_resources import Batches, Deliveries, Endpoints, Events, EventTypes
from ._deadline import send_sync
from ._request import answer, build, event_body, settings
from ._retry import retry_delay
from .errors import ConnectionError, api_error
from .fields import EventFields, SendFields
from .types import AcceptedEvent


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
        self, url: str, payload: Any, *, idempotency_key: str | None = None, **fields: Unpack[SendFields]
    ) -> AcceptedEvent:
        """One durable webhook to any URL: stored when this returns, then sent until it is delivered or has failed for good.

        ``fields``: ``type``, ``headers``, ``tenant``, as in ``POST /v1/send``.
        """
        body = event_body({"url": url, "payload": payload}, idempotency_key, fields)
        return self.request("POST", "/v1/send", body=body)

    def publish(
        self, type: str, payload: Any, *, idempotency_key: str | None = None, **fields: Unpack[EventFields]
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

    def pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Any]:
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
