"""Client of Surehook: durable webhooks in a few lines."""

from ._async import AsyncSurehook
from ._sync import Surehook
from .errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ConnectionError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SurehookError,
    UnprocessableError,
)
from .webhooks import VerifiedWebhook, WebhookVerificationError, verify_webhook

__all__ = [
    "ApiError",
    "AsyncSurehook",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "ConnectionError",
    "NotFoundError",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
    "Surehook",
    "SurehookError",
    "UnprocessableError",
    "VerifiedWebhook",
    "WebhookVerificationError",
    "verify_webhook",
]
