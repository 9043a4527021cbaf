"""The signatures of Standard Webhooks: ``v1`` is HMAC-SHA256, ``v1a`` is ed25519, for which ``cryptography`` is needed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from functools import partial

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    HAS_ED25519 = True
except ImportError:
    HAS_ED25519 = False

#: Whether one of the signatures of signed bytes is valid.
Check = Callable[[bytes, list[str]], bool]


def check_of(secret: str) -> Check | None:
    """None for a secret that cannot be used: anybody can sign with an empty key, which is what an unset variable gives."""
    is_public = secret.startswith("whpk_")
    try:
        key = base64.b64decode(secret.removeprefix("whpk_").removeprefix("whsec_"), validate=True)
    except ValueError:
        return None
    if is_public:
        return partial(_is_ed25519, key) if len(key) == 32 else None
    return partial(_is_hmac, key) if key else None


def _is_hmac(key: bytes, signed: bytes, signatures: list[str]) -> bool:
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    # Not any(): each is compared, in the same time.
    return True in [hmac.compare_digest(one.encode(), expected) for one in signatures]


def _is_ed25519(key: bytes, signed: bytes, signatures: list[str]) -> bool:
    return HAS_ED25519 and any(_is_valid(key, signed, one[4:]) for one in signatures if one.startswith("v1a,"))


def _is_valid(key: bytes, signed: bytes, signature: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(signature, validate=True), signed)
    except (ValueError, InvalidSignature):
        return False
    return True
