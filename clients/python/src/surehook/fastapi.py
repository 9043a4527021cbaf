"""A client with durable listeners: functions of an application that receive events. Needs FastAPI, or Starlette."""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ._async import AsyncSurehook
from ._listener_secrets import ListenerSecrets, SecretsUnknownError, read_secrets
from ._request import part
from .errors import ConflictError, SurehookError
from .fields import EndpointFields
from .types import Endpoint
from .webhooks import VerifiedWebhook, WebhookVerificationError

_log = logging.getLogger("surehook")
# A payload has at most 256 KiB; an envelope adds less than this.
_MAX_BODY = 512 * 1024


@dataclass(frozen=True)
class ReceivedEvent(VerifiedWebhook):
    type: str
    #: Position of this request among the attempts of its delivery, from 1.
    attempt: int


Handler = TypeVar("Handler", bound=Callable[[Any], Any])


@dataclass
class _Listener:
    types: list[str]
    handler: Callable[[Any], Any]
    #: None until it is registered.
    secrets: ListenerSecrets | None = None


class Surehook(AsyncSurehook):
    """The client of an application whose functions listen: decorate them with ``@surehook.on("link.clicked")``, add
    ``surehook.route("/hooks")`` to the application's routes, and ``await surehook.register(url)`` when it has started.

    A handler that returns acknowledges the delivery. One that raises gets it again later, unless the exception has
    ``temporary = False``, which ends it; ``retry_after`` of the exception asks for a delay in seconds.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._listeners: dict[str, _Listener] = {}

    def on(self, *types: str, name: str | None = None) -> Callable[[Handler], Handler]:
        """Handles events of these types, such as ``link.clicked`` or ``link.*``. ``name`` names the endpoint."""

        def add(handler: Handler) -> Handler:
            key = name or handler.__name__
            if key in self._listeners:
                raise SurehookError(f'There are two listeners named "{key}": give one another name.')
            self._listeners[key] = _Listener(list(types), handler)
            return handler

        return add

    def route(self, path: str) -> Route:
        """The route that receives the webhooks."""
        return Route(path.rstrip("/") + "/{name:path}", self._receive, methods=["POST"])

    async def register(self, url: str, *, tenant: str = "default", application: str | None = None) -> None:
        """Registers an endpoint for each listener, at its name below ``url``, which is that of the route. An endpoint that
        failures have disabled meanwhile is enabled. ``application`` tells listeners of several applications in a tenant
        apart, which may have the same names.
        """
        for name, listener in self._listeners.items():
            metadata = {"listener": name}
            if application is not None:
                metadata["application"] = application
            listener.secrets = await self._register(metadata, listener, f"{url.rstrip('/')}/{part(name)}", tenant)

    async def _register(self, metadata: dict[str, str], listener: _Listener, url: str, tenant: str) -> ListenerSecrets:
        """Finds the endpoint that an earlier start made, by the names in its metadata."""
        async for one in self.endpoints.list(tenant=tenant):
            if any(one["metadata"].get(key) != metadata.get(key) for key in ("listener", "application")):
                continue
            if one["url"] != url or list(one["event_types"]) != listener.types:
                await self.endpoints.update(one["id"], url=url, event_types=listener.types)
            await self._enable(one, metadata["listener"])
            return ListenerSecrets(self, one["id"], await read_secrets(self, one["id"]))
        body: EndpointFields = {"tenant": tenant, "metadata": metadata}
        # Two processes of an application that start at once make one endpoint.
        text = json.dumps([url, listener.types, body])
        key = hashlib.sha256(text.encode()).hexdigest()
        try:
            made = await self.endpoints.create(url, listener.types, idempotency_key=key, **body)
        except ConflictError as error:
            if error.code != "idempotency_conflict":
                raise
            # The endpoint that this key made has been deleted since.
            made = await self.endpoints.create(url, listener.types, **body)
        return ListenerSecrets(self, made["id"], [str(made["secret"])])

    async def _enable(self, endpoint: Endpoint, name: str) -> None:
        """An endpoint that failures disabled, as while the application was down, is enabled; one disabled by hand is not."""
        if endpoint["status"] != "disabled":
            return
        if endpoint["status_reason"] in ("failing", "gone"):
            await self.endpoints.enable(endpoint["id"], "its listener is registered again")
        else:
            _log.warning('The endpoint %s of the listener "%s" was disabled by hand: it receives nothing.', endpoint["id"], name)

    async def _receive(self, request: Request) -> Response:
        listener = self._listeners.get(request.path_params["name"])
        if listener is None:
            return PlainTextResponse("Nothing listens here.", 404)
        if listener.secrets is None:
            return PlainTextResponse("This listener is being registered.", 503)
        try:
            verified = await listener.secrets.verify(await _raw_body(request), request.headers)
        except SecretsUnknownError as error:
            return PlainTextResponse(str(error), 503, {"retry-after": str(error.retry_after)})
        except WebhookVerificationError as error:
            return PlainTextResponse(str(error), 400)
        event = ReceivedEvent(
            verified.id,
            verified.timestamp,
            verified.payload,
            request.headers.get("webhook-event-type", ""),
            int(request.headers.get("webhook-attempt", "1")),
        )
        try:
            if inspect.iscoroutinefunction(listener.handler):
                await listener.handler(event)
            else:
                result = await run_in_threadpool(listener.handler, event)
                if inspect.isawaitable(result):
                    await result
        except Exception as error:  # Whatever a handler raises is an answer to the sender.
            after = getattr(error, "retry_after", None)
            headers = {} if after is None else {"retry-after": str(math.ceil(after))}
            status = 422 if getattr(error, "temporary", True) is False else 500
            return PlainTextResponse(str(error), status, headers)
        return Response(status_code=204)


async def _raw_body(request: Request) -> bytes:
    """The bytes as received."""
    chunks: list[bytes] = []
    length = 0
    async for chunk in request.stream():
        length += len(chunk)
        if length > _MAX_BODY:
            raise WebhookVerificationError(f"The body has more than {_MAX_BODY} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)
