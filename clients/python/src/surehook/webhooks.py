"""Verification of webhooks, as Standard Webhooks says."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .errors import SurehookError


class WebhookVerificationError(SurehookError):
    """The request is not a webhook of this endpoint: answer it with 400."""


class SignatureMismatchError(WebhookVerificationError):
    """The request is fresh, and signed with another secret, if at all: the secret may have been rotated."""


@dataclass(frozen=True)
class VerifiedWebhook:
    #: The event's id, the same on every retry and replay: deduplicate by it.
    id: str
    #: When this attempt was signed.
    timestamp: datetime
    payload: Any


def verify_webhook(
    raw_body: bytes | str,
    headers: Mapping[str, str],
    secret: str | Iterable[str],
    *,
    tolerance_seconds: float = 300,
    now: float | None = None,
) -> VerifiedWebhook:
    """Verifies a webhook and parses its body; raises a ``WebhookVerificationError``.

    ``raw_body``: the bytes as received, before any parser. ``secret``: ``whsec_…``, several while one is rotated.
    """
    given = {name.lower(): value for name, value in headers.items()}
    id, timestamp, signatures = (
        _needed(given, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookVerificationError("webhook-timestamp is no number of seconds.")
    if abs((time.time() if now is None else now) - int(timestamp)) > tolerance_seconds:
        raise WebhookVerificationError(f"webhook-timestamp is more than {tolerance_seconds:g} s from now.")
    body = raw_body.encode() if isinstance(raw_body, str) else raw_body
    signed = f"{id}.{timestamp}.".encode() + body
    expected = [_signature(signed, one) for one in ([secret] if isinstance(secret, str) else secret)]
    # Not any(): each pair is compared, in the same time.
    matches = [hmac.compare_digest(one.encode(), other) for one in signatures.split(" ") for other in expected]
    if True not in matches:
        raise SignatureMismatchError("No signature is of this secret.")
    return VerifiedWebhook(id, datetime.fromtimestamp(int(timestamp), timezone.utc), _parse(body))


def _signature(signed: bytes, secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise WebhookVerificationError("The secret is no base64 after whsec_.") from error
    if not key:
        # Anybody can sign with an empty key, which is what an unset variable gives.
        raise WebhookVerificationError("The secret is empty.")
    return b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())


def _needed(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise WebhookVerificationError(f"The header {name} is missing.")
    return value


def _parse(body: bytes) -> Any:
    """A content type that is not JSON: the text."""
    text = body.decode("utf-8", errors="replace")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
