"""Verification of webhooks, as Standard Webhooks says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ._signatures import HAS_ED25519, check_of
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

    ``raw_body``: the bytes as received, before any parser. ``secret``: ``whsec_…``, or the public key ``whpk_…``, which
    needs the package ``cryptography``; several while one is rotated. Empty and malformed secrets are skipped; having no other
    is an error.
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
    checks = [check for check in map(check_of, [secret] if isinstance(secret, str) else secret) if check]
    if not checks:
        raise WebhookVerificationError("No secret is whsec_… or whpk_… and base64.")
    if True not in [check(signed, signatures.split(" ")) for check in checks]:
        if not HAS_ED25519 and "v1a," in signatures:
            raise SignatureMismatchError("An ed25519 signature needs the package cryptography: pip install cryptography")
        raise SignatureMismatchError("No signature is of this secret.")
    return VerifiedWebhook(id, datetime.fromtimestamp(int(timestamp), timezone.utc), _parse(body))


def _needed(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise WebhookVerificationError(f"The header {name} is missing.")
    return value


def _parse(body: bytes) -> Any:
    """The text where it is no JSON, or none that Python parses: an integer of over 4,300 digits, nesting beyond its stack."""
    text = body.decode("utf-8", errors="replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
