"""The secrets of a listener's endpoint; they are read again when a signature matches none of them, as after a rotation."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping

from ._async import AsyncSurehook
from .errors import SurehookError
from .webhooks import SignatureMismatchError, VerifiedWebhook, verify_webhook

# Anybody can send requests whose signature matches nothing: they must not become as many requests to the API.
_REREAD = 60.0
# The sender waits meanwhile.
_TIMEOUT = 5.0


class SecretsUnknownError(SurehookError):
    """Whether a request is signed is not known now: answer it with 503."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = math.ceil(retry_after)


async def read_secrets(client: AsyncSurehook, endpoint_id: str) -> list[str]:
    """The public key in place of a secret of ed25519."""
    return [each.get("public_key") or each["secret"] for each in (await client.endpoints.secret(endpoint_id))["secrets"]]


class ListenerSecrets:
    def __init__(self, client: AsyncSurehook, endpoint_id: str, first: list[str]) -> None:
        self._client = client
        self._endpoint_id = endpoint_id
        self._secrets = first
        self._read_at = -math.inf
        self._reading: asyncio.Task[None] | None = None

    async def verify(self, raw_body: bytes, headers: Mapping[str, str]) -> VerifiedWebhook:
        """Raises a ``WebhookVerificationError``, or a ``SecretsUnknownError``."""
        try:
            return verify_webhook(raw_body, headers, self._secrets)
        except SignatureMismatchError:
            await self._read_again()
        return verify_webhook(raw_body, headers, self._secrets)

    async def _read_again(self) -> None:
        """Requests that come while the secrets are read share the answer."""
        if self._reading is None or self._reading.done():
            wait = self._read_at + _REREAD - time.monotonic()
            if wait > 0:
                raise SecretsUnknownError("The secrets were read less than a minute ago.", wait)
            self._read_at = time.monotonic()
            self._reading = asyncio.create_task(self._read())
        try:
            # A request that is cancelled must not cancel what others wait for.
            await asyncio.shield(self._reading)
        except (SurehookError, asyncio.TimeoutError) as error:
            raise SecretsUnknownError("The secrets cannot be read.", _REREAD) from error

    async def _read(self) -> None:
        self._secrets = await asyncio.wait_for(read_secrets(self._client, self._endpoint_id), _TIMEOUT)
