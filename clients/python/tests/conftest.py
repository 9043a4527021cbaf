"""The tests need a real server: SUREHOOK_URL and SUREHOOK_API_KEY name it, and it must be allowed to call 127.0.0.1."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from surehook import Surehook


@pytest.fixture(scope="session", autouse=True)
def _server() -> None:
    if "SUREHOOK_URL" not in os.environ:
        pytest.exit("Set SUREHOOK_URL and SUREHOOK_API_KEY: the tests need a real server.", returncode=2)


@pytest.fixture
def surehook() -> Iterator[Surehook]:
    with Surehook() as client:
        yield client


@pytest.fixture
def tenant() -> str:
    return f"py-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Starts HTTP servers whose requests are handled by a function: (handler, method, body) -> None."""
    servers: list[ThreadingHTTPServer] = []

    def start(handle: Callable[[BaseHTTPRequestHandler, bytes], None]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                handle(self, self.rfile.read(int(self.headers.get("content-length", 0))))

            do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def eventually(check: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)
