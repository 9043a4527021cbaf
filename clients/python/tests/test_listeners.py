import contextlib
import socket
import threading

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from conftest import eventually
from surehook import AsyncSurehook
from surehook.listeners import Listeners


@contextlib.contextmanager
def application(listeners, tenant):
    """A FastAPI application with the listeners, on a port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/hooks"

    @contextlib.asynccontextmanager
    async def lifespan(_app):
        await listeners.register(url, tenant=tenant)
        yield

    app = FastAPI(lifespan=lifespan, routes=[listeners.route("/hooks")])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started)
        yield url
    finally:
        server.should_exit = True
        thread.join()


class NoSuchAccount(Exception):
    temporary = False


def test_handlers_receive_events_retry_and_end(surehook, tenant):
    calls = {"log": 0, "shaky": 0, "broken": 0}
    listeners = Listeners(AsyncSurehook())

    @listeners.on("link.clicked")
    async def log(event):
        assert (event.type, event.payload) == ("link.clicked", {"link": "a"})
        calls["log"] += 1

    @listeners.on("link.*")
    def shaky(event):
        calls["shaky"] += 1
        if event.attempt < 3:
            raise RuntimeError("the database is away")

    @listeners.on("*")
    def broken(_event):
        calls["broken"] += 1
        raise NoSuchAccount("no such account")

    with application(listeners, tenant) as url:
        event = surehook.publish("link.clicked", {"link": "a"}, tenant=tenant)
        statuses = lambda: sorted(d["status"] for d in surehook.deliveries.list(event_id=event["id"]))
        eventually(lambda: statuses() == ["DELIVERED", "DELIVERED", "FAILED"])
        assert httpx.post(f"{url}/log", content="{}").status_code == 400
        assert httpx.post(f"{url}/nobody", content="{}").status_code == 404
    assert calls == {"log": 1, "shaky": 3, "broken": 1}


def test_an_application_that_starts_again_keeps_its_endpoints(surehook, tenant):
    seen = []
    for types in (["order.*"], ["order.*", "refund.*"]):
        listeners = Listeners(AsyncSurehook())

        @listeners.on(*types)
        def ship(event):
            seen.append(event.type)

        with application(listeners, tenant):
            if "refund.*" in types:
                surehook.publish("refund.made", {}, tenant=tenant)
                eventually(lambda: seen == ["refund.made"])
    assert [one["event_types"] for one in surehook.endpoints.list(tenant=tenant)] == [["order.*", "refund.*"]]


def test_two_listeners_of_one_name_are_refused():
    listeners = Listeners(AsyncSurehook())
    listeners.on("a")(print)
    with pytest.raises(Exception, match='named "print"'):
        listeners.on("b")(print)
