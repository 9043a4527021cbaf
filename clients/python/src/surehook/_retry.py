"""The delay before the next try of a request."""

from __future__ import annotations

import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import httpx

# Statuses after which the same request may succeed.
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
_FIRST = 0.25
_MAX = 8.0
# A longer Retry-After is for the caller to decide on.
_MAX_ASKED = 60.0


def retry_delay(result: httpx.Response | Exception, tries: int) -> float | None:
    """Seconds until the next try; None: none follows. Doubles from 0.25 s to 8 s; honours ``Retry-After`` up to a minute."""
    if isinstance(result, httpx.Response):
        if result.status_code not in _TRANSIENT:
            return None
        asked = _asked(result.headers.get("retry-after"))
        if asked is not None:
            return asked if asked <= _MAX_ASKED else None
    elif not isinstance(result, httpx.TransportError):
        return None
    return min(_FIRST * 2 ** (tries - 1), _MAX) * (1 - 0.25 * random.random())


def _asked(header: str | None) -> float | None:
    if header is None:
        return None
    if header.isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(timezone.utc)).total_seconds())
    except (TypeError, ValueError):
        return None
