"""One deadline for a whole try: httpx bounds each read alone, so an answer that drips in would never be late."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import threading

import httpx


async def send_async(client: httpx.AsyncClient, request: httpx.Request, timeout: float) -> httpx.Response:
    try:
        return await asyncio.wait_for(client.send(request), timeout)
    except asyncio.TimeoutError as error:
        raise _late(request, timeout) from error


def send_sync(client: httpx.Client, request: httpx.Request, timeout: float) -> httpx.Response:
    """The thread of a late answer ends with that answer, or when the client is closed."""
    result: concurrent.futures.Future[httpx.Response] = concurrent.futures.Future()

    def send() -> None:
        try:
            result.set_result(client.send(request))
        except Exception as error:
            result.set_exception(error)

    threading.Thread(target=contextvars.copy_context().run, args=(send,), daemon=True).start()
    try:
        return result.result(timeout)
    except concurrent.futures.TimeoutError as error:
        raise _late(request, timeout) from error


def _late(request: httpx.Request, timeout: float) -> httpx.ReadTimeout:
    return httpx.ReadTimeout(f"no whole answer within {timeout} s", request=request)
