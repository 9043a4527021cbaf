"""Errors of the client, by the status of the answer."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx


class SurehookError(Exception):
    """Every error that this client raises itself."""


class ConnectionError(SurehookError):
    """No answer: the connection failed, broke off, or took too long."""


class ApiError(SurehookError):
    """An answer that is not 2xx."""

    def __init__(self, response: httpx.Response) -> None:
        self.status: int = response.status_code
        self.headers = response.headers
        #: The body, where it is ``application/problem+json`` (RFC 9457).
        self.problem: dict[str, Any] | None = None
        if response.headers.get("content-type", "").startswith("application/problem+json"):
            # A body that cannot be read leaves the status to say it.
            with contextlib.suppress(ValueError):
                body = response.json()
                self.problem = body if isinstance(body, dict) else None
        super().__init__((self.problem or {}).get("detail") or f"The answer has status {self.status}.")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles without the response, as a process that gets the error from another one needs it."""
        return Exception.__new__, (type(self), *self.args), self.__dict__

    @property
    def code(self) -> str | None:
        """Stable name of the problem, such as ``address_blocked``."""
        return (self.problem or {}).get("code")

    @property
    def errors(self) -> list[dict[str, str]]:
        """Each field that was refused, and why: ``[{"path", "message"}]``."""
        return (self.problem or {}).get("errors") or []

    @property
    def request_id(self) -> str | None:
        """Names the request in the logs of the server."""
        return self.headers.get("x-request-id")


class BadRequestError(ApiError):
    pass


class AuthenticationError(ApiError):
    pass


class PermissionDeniedError(ApiError):
    pass


class NotFoundError(ApiError):
    pass


class ConflictError(ApiError):
    pass


class PayloadTooLargeError(ApiError):
    pass


class UnprocessableError(ApiError):
    pass


class RateLimitError(ApiError):
    pass


class ServerError(ApiError):
    pass


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: PayloadTooLargeError,
    422: UnprocessableError,
    429: RateLimitError,
}


def api_error(response: httpx.Response) -> ApiError:
    kind = _BY_STATUS.get(response.status_code, ServerError if response.status_code >= 500 else ApiError)
    return kind(response)
