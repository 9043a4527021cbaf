"""What both clients send: built once, sent by either."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from .errors import SurehookError


@dataclass(frozen=True)
class Settings:
    url: str
    timeout: float
    max_retries: int
    headers: dict[str, str]


def settings(url: str | None, api_key: str | None, timeout: float, max_retries: int) -> Settings:
    base = url or os.environ.get("SUREHOOK_URL") or "http://127.0.0.1:8080"
    key = api_key or os.environ.get("SUREHOOK_API_KEY")
    # Neither value is part of the error: both may be secret.
    if not _is_http(base):
        raise SurehookError("The URL of the server is not an http:// or https:// URL.")
    headers = {"accept": "application/json"}
    if key:
        if not re.fullmatch(r"[!-~]+", key):
            raise SurehookError("The API key has a space, a line break or another character that no key has.")
        headers["authorization"] = f"Bearer {key}"
    return Settings(base.rstrip("/"), timeout, max_retries, headers)


def _is_http(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and parsed.host != ""


def build(
    client: httpx.Client | httpx.AsyncClient,
    base: str,
    method: str,
    path: str,
    query: dict[str, Any] | None,
    body: Any,
    idempotency_key: str | None,
) -> httpx.Request:
    """All tries of a request have the same Idempotency-Key, so a lost answer has no second effect."""
    headers = {}
    if method == "POST" and not (isinstance(body, dict) and "idempotency_key" in body):
        headers["idempotency-key"] = idempotency_key or str(uuid.uuid4())
    params = {name: value for name, value in (query or {}).items() if value is not None}
    more: dict[str, Any] = {} if body is None else {"json": body}
    return client.build_request(method, base + path, params=params, headers=headers, **more)


def answer(response: httpx.Response) -> Any:
    """The body of an answer; None where it is empty."""
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise SurehookError(f"The answer of {response.request.url.host} is not JSON.") from error


def event_body(fixed: dict[str, Any], idempotency_key: str | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**fixed, **fields, "idempotency_key": idempotency_key or str(uuid.uuid4())}


def reasoned(reason: str | None) -> dict[str, str]:
    return {} if reason is None else {"reason": reason}


def part(text: str) -> str:
    """One part of a path."""
    return quote(text, safe="")
