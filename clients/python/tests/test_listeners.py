import asyncio
import contextlib
import socket
import threading
import time

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from conftest import eventually
from surehook.fastapi import Surehook


@contextlib.contextmanager
def application(client, tenant):
    """A FastAPI application with the client, on a port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/hooks"

    @contextlib.asynccontextmanager
    async def lifespan(_app):
        await client.register(url, tenant=tenant)
        yield

    app = FastAPI(lifespan=lifespan, routes=[client.route("/hooks")])
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
    client = Surehook()

    @client.on("link.clicked")
    async def log(event):
        assert (event.type, event.payload) == ("link.clicked", {"link": "a"})
        calls["log"] += 1

    @client.on("link.*")
    def shaky(event):
        calls["shaky"] += 1
        if event.attempt < 3:
            raise RuntimeError("the database is away")

    @client.on("*")
    def broken(_event):
        calls["broken"] += 1
        raise NoSuchAccount("no such account")

    with application(client, tenant) as url:
        event = surehook.publish("link.clicked", {"link": "a"}, tenant=tenant)
        statuses = lambda: sorted(d["status"] for d in surehook.deliveries.list(event_id=event["id"]))
        eventually(lambda: statuses() == ["DELIVERED", "DELIVERED", "FAILED"])
        assert httpx.post(f"{url}/log", content="{}").status_code == 400
        assert httpx.post(f"{url}/nobody", content="{}").status_code == 404
    assert calls == {"log": 1, "shaky": 3, "broken": 1}


def test_an_application_that_starts_again_keeps_its_endpoints(surehook, tenant):
    seen = []
    for types in (["order.*"], ["order.*", "refund.*"]):
        client = Surehook()

        @client.on(*types)
        def ship(event):
            seen.append(event.type)

        with application(client, tenant):
            if "refund.*" in types:
                surehook.publish("refund.made", {}, tenant=tenant)
                eventually(lambda: seen == ["refund.made"])
    assert [one["event_types"] for one in surehook.endpoints.list(tenant=tenant)] == [["order.*", "refund.*"]]


class Api(httpx.AsyncHTTPTransport):
    """The way to the API: counts the times that secrets are read, and may be cut."""

    reads = 0
    away = False

    async def handle_async_request(self, request):
        self.reads += request.url.path.endswith("/secret")
        if self.away:
            raise httpx.ConnectError("the API is away", request=request)
        return await super().handle_async_request(request)


@pytest.mark.parametrize("signature", ["hmac", "ed25519"])
def test_after_a_rotation_deliveries_that_arrive_together_have_the_secrets_read_once(surehook, tenant, signature):
    if signature == "ed25519":
        pytest.importorskip("cryptography")
    api, seen = Api(), []
    client = Surehook(transport=api)
    client.on("order.*", name="turned")(lambda event: seen.append(event.payload))
    with application(client, tenant):
        [endpoint] = surehook.endpoints.list(tenant=tenant)
        surehook.endpoints.rotate_secret(endpoint["id"], signature=signature, overlap_seconds=0)
        surehook.events.create_many(
            [{"type": "order.made", "payload": n, "tenant": tenant, "idempotency_key": f"{tenant}-{n}"} for n in range(5)]
        )
        delivered = lambda: [(d["status"], d["attempt_count"]) for d in surehook.deliveries.list(tenant=tenant)]
        eventually(lambda: delivered() == [("DELIVERED", 1)] * 5)
    assert (sorted(seen), api.reads) == ([0, 1, 2, 3, 4], 1)


def test_while_the_secrets_cannot_be_read_a_signature_that_matches_none_is_answered_with_503(tenant):
    api = Api()
    client = Surehook(transport=api, max_retries=0)
    client.on("order.*", name="cut")(print)
    client.on("order.*", name="well")(print)
    with application(client, tenant) as url:
        signed = {"webhook-id": "evt_1", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA"}
        post = lambda name: httpx.post(f"{url}/{name}", content="{}", headers=signed)
        assert post("well").status_code == 400
        api.away, api.reads = True, 0
        for _ in range(2):
            answer = post("cut")
            assert (answer.status_code, int(answer.headers["retry-after"]) > 50) == (503, True)
        assert api.reads == 1


def test_a_name_may_have_characters_that_are_escaped_in_a_url_and_its_handler_return_an_awaitable(surehook, tenant):
    seen = []

    async def log(event):
        await asyncio.sleep(0)
        seen.append(event.type)

    client = Surehook()
    client.on("order.*", name="orders/EU 100%")(lambda event: log(event))
    with application(client, tenant):
        event = surehook.publish("order.made", {}, tenant=tenant)
        eventually(lambda: [d["status"] for d in surehook.deliveries.list(event_id=event["id"])] == ["DELIVERED"])
    assert seen == ["order.made"]


def test_a_body_that_is_too_large_is_refused_before_it_is_read_whole(tenant):
    async def run():
        chunks = 0

        async def endless():
            nonlocal chunks
            while chunks < 1_000:
                chunks += 1
                yield bytes(64 * 1024)

        client = Surehook()
        client.on("order.*", name="small")(print)
        await client.register("http://127.0.0.1:1/hooks", tenant=tenant)
        transport = httpx.ASGITransport(FastAPI(routes=[client.route("/hooks")]))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
            answer = await http.post("/hooks/small", content=endless())
        return answer.status_code, chunks

    status, chunks = asyncio.run(run())
    assert status == 400
    assert chunks == 9


def test_two_listeners_of_one_name_are_refused():
    client = Surehook()
    client.on("a")(print)
    with pytest.raises(Exception, match='named "print"'):
        client.on("b")(print)
