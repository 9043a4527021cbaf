"""What methods of the client take by name: fields of bodies, and filters of lists, as in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import NotRequired, TypedDict

from .types import Classification, DeliveryStatus


class SendFields(TypedDict, total=False):
    type: str
    headers: dict[str, str]
    content_type: str
    tenant: str


class EventFields(TypedDict, total=False):
    headers: dict[str, str]
    content_type: str
    tenant: str
    endpoint_ids: list[str]


class BasicAuth(TypedDict):
    username: str
    password: str


class ClientCertificate(TypedDict):
    certificate: str
    private_key: str


class ExtraSignature(TypedDict):
    header: str
    encoding: Literal["hex", "base64"]
    prefix: NotRequired[str]
    secret: NotRequired[str | None]


class _EndpointSettings(TypedDict, total=False):
    description: str | None
    enabled: bool
    headers: dict[str, str]
    content_type: str | None
    basic_auth: BasicAuth | None
    client_certificate: ClientCertificate | None
    ca: str | None
    extra_signature: ExtraSignature | None
    body: Literal["payload", "envelope"]
    timeout_ms: int
    retry_on: Literal["default", "all"]
    retry_schedule: list[int] | None
    permanent_statuses: list[int | Literal["3xx", "4xx", "5xx"]]
    filter: dict[str, Any] | None
    metadata: dict[str, str]


class EndpointFields(_EndpointSettings, total=False):
    id: str
    tenant: str
    secret: str
    signature: Literal["hmac", "ed25519"]


class EndpointChanges(_EndpointSettings, total=False):
    url: str
    event_types: list[str]


class RotationFields(TypedDict, total=False):
    secret: str
    signature: Literal["hmac", "ed25519"]
    overlap_seconds: int


class EndpointTestFields(TypedDict, total=False):
    event_type: str
    payload: Any
    preview: bool


class EventTypeFields(TypedDict, total=False):
    description: str | None
    example: Any
    schema: dict[str, Any] | None
    archived: bool


BatchFilter = TypedDict(
    "BatchFilter",
    {
        "status": "DeliveryStatus | list[DeliveryStatus]",
        "tenant": str,
        "endpoint_id": str,
        "event_type": str,
        "classification": Classification,
        "batch_id": str,
        "from": str,
        "to": str,
        "missing": bool,
    },
    total=False,
)


class BatchStartFields(TypedDict, total=False):
    rate_per_second: float
    note: str


class BatchFields(BatchStartFields, total=False):
    delivery_ids: list[str]
    filter: BatchFilter
    tenant: str
    include_delivered: bool
    dry_run: bool


class _Page(TypedDict, total=False):
    #: Rows of each request, at most 250.
    limit: int | None


class _Filters(_Page, total=False):
    #: Times in ISO 8601. ``from`` is a keyword of Python.
    from_: str | None
    to: str | None
    tenant: str | None


class EventFilters(_Filters, total=False):
    type: str | None
    idempotency_key: str | None
    #: Each event also has its ``outcome``.
    outcomes: Literal[True, "true"] | None


class EndpointFilters(_Filters, total=False):
    status: Literal["enabled", "paused", "disabled"] | None
    event_type: str | None


class EventTypeFilters(_Page, total=False):
    archived: bool | Literal["true", "false", "all"] | None


class DeliveryFilters(_Filters, total=False):
    status: DeliveryStatus | None
    endpoint_id: str | None
    event_id: str | None
    event_type: str | None
    classification: Classification | None
    batch_id: str | None


class BatchFilters(_Filters, total=False):
    status: Literal["PLANNING", "DRY_RUN", "RUNNING", "PAUSED", "COMPLETED", "CANCELLED", "FAILED"] | None
