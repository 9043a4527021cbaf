import asyncio
import contextlib
import json
import os
import time

import httpx
import pytest

from conftest import eventually
from surehook import (
    ApiError,
    AsyncSurehook,
    AuthenticationError,
    BadRequestError,
    ConnectionError,
    NotFoundError,
    ServerError,
    Surehook,
    SurehookError,
    verify_webhook,
)
from surehook.types import Delivery


def answer(handler, status, headers=None, body=b""):
    handler.send_response(status)
    for name, value in {**(headers or {}), "content-length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def test_an_event_is_published_delivered_and_verified(surehook, serve, tenant):
    got = []

    def receive(handler, body):
        got.append((dict(handler.headers), body))
        answer(handler, 204)

    endpoint = surehook.endpoints.create(serve(receive), ["order.*"], tenant=tenant)
    event = surehook.publish("order.created", {"total": 49.9}, tenant=tenant)
    eventually(lambda: len(got) == 1)
    headers, body = got[0]
    webhook = verify_webhook(body, headers, endpoint["secret"])
    assert (webhook.id, webhook.payload) == (event["id"], {"total": 49.9})
    eventually(lambda: [d["status"] for d in surehook.deliveries.list(tenant=tenant)] == ["DELIVERED"])
    [delivery] = surehook.deliveries.list(tenant=tenant)
    assert delivery.keys() == Delivery.__annotations__.keys()


def test_a_webhook_is_sent_to_a_url_that_nobody_registered(surehook, serve):
    got = []

    def receive(handler, body):
        got.append(json.loads(body))
        answer(handler, 204)

    surehook.send(serve(receive), {"hello": "world"})
    eventually(lambda: got == [{"hello": "world"}])


def test_a_list_is_read_whole_page_after_page(surehook, tenant):
    urls = [f"https://example.com/{n}" for n in range(7)]
    for url in urls:
        surehook.endpoints.create(url, ["*"], tenant=tenant, enabled=False)
    assert sorted(one["url"] for one in surehook.endpoints.list(tenant=tenant, limit=3)) == urls


def test_a_request_whose_answer_was_lost_is_made_again_with_the_same_key(serve, tenant):
    keys = []

    def lossy(handler, body):
        keys.append(json.loads(body)["idempotency_key"])
        headers = {"authorization": handler.headers["authorization"]}
        real = httpx.post(os.environ["SUREHOOK_URL"] + handler.path, content=body, headers=headers)
        if len(keys) == 1:
            handler.connection.close()
        elif len(keys) == 2:
            answer(handler, 503, {"retry-after": "0"})
        else:
            answer(handler, real.status_code, {"content-type": "application/json"}, real.content)

    with Surehook(serve(lossy)) as client:
        event = client.publish("lost.answer", {}, tenant=tenant)
    assert event["duplicate"] is True
    assert len(keys) == 3 and len(set(keys)) == 1
    with Surehook() as client:
        assert [one["id"] for one in client.events.list(tenant=tenant)] == [event["id"]]


def test_a_refusal_is_an_error_of_its_status_and_names_the_fields(surehook):
    with pytest.raises(BadRequestError) as refused:
        surehook.endpoints.create("nonsense", ["*"])
    assert refused.value.errors[0]["path"] == "url"
    assert refused.value.request_id
    with pytest.raises(NotFoundError):
        surehook.events.get("evt_" + "0" * 32)
    with pytest.raises(AuthenticationError), Surehook(api_key="wrong") as stranger:
        stranger.endpoints.get("ep_" + "0" * 32)


def test_a_refusal_is_not_tried_again(serve):
    tries = []

    def refuse(handler, _body):
        tries.append(1)
        answer(handler, 418)

    with Surehook(serve(refuse)) as client, pytest.raises(ApiError):
        client.publish("a.b", {})
    assert len(tries) == 1


def test_a_test_of_an_endpoint_is_not_made_again(serve):
    tries = []

    def refuse(handler, _body):
        tries.append(handler.path)
        answer(handler, 503)

    with Surehook(serve(refuse)) as client, pytest.raises(ServerError):
        client.endpoints.test("ep_1")
    assert tries == ["/v1/endpoints/ep_1/test"]


def test_a_deletion_whose_answer_was_lost_succeeds_and_one_of_nothing_does_not(surehook, tenant):
    tries = []

    class Lossy(httpx.HTTPTransport):
        def handle_request(self, request):
            response = super().handle_request(request)
            tries.append(response.status_code)
            if len(tries) == 1:
                response.close()
                raise httpx.ReadError("the answer is lost", request=request)
            return response

    endpoint = surehook.endpoints.create("https://example.com/", ["*"], tenant=tenant)
    with Surehook(transport=Lossy()) as client:
        assert client.endpoints.delete(endpoint["id"]) is None
    assert tries[1:] == [404]
    with pytest.raises(NotFoundError):
        surehook.endpoints.delete(endpoint["id"])


@pytest.mark.parametrize(
    ("status", "headers", "body", "error"),
    [
        (200, {}, b"<html>", SurehookError),
        (200, {"content-encoding": "gzip"}, b"no gzip", ConnectionError),
        (501, {"content-type": "application/problem+json"}, b"{", ServerError),
        (501, {"content-type": "application/problem+json"}, b"[]", ServerError),
    ],
)
def test_an_answer_that_cannot_be_read_is_an_error_of_the_client(serve, status, headers, body, error):
    url = serve(lambda handler, _body: answer(handler, status, headers, body))
    with Surehook(url) as client, pytest.raises(error) as refused:
        client.batches.get("bat_1")
    assert getattr(refused.value, "code", None) is None


def test_a_server_that_is_not_there_is_a_connection_error():
    with Surehook("http://127.0.0.1:1", max_retries=1) as client, pytest.raises(ConnectionError):
        client.publish("a.b", {})


def drip(handler, _body):
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        for byte in b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}":
            handler.wfile.write(bytes([byte]))
            time.sleep(0.03)


def test_an_answer_that_drips_in_is_late(serve):
    with Surehook(serve(drip), timeout=0.3, max_retries=0) as client:
        with pytest.raises(ConnectionError, match="no whole answer within 0.3 s"):
            client.batches.get("bat_1")


def test_an_answer_that_drips_in_is_late_for_the_asynchronous_client(serve):
    async def run():
        async with AsyncSurehook(serve(drip), timeout=0.3, max_retries=0) as client:
            await client.batches.get("bat_1")

    with pytest.raises(ConnectionError, match="no whole answer within 0.3 s"):
        asyncio.run(run())


def test_the_asynchronous_client_does_the_same(tenant):
    async def run():
        async with AsyncSurehook() as client:
            event = await client.publish("order.created", {}, tenant=tenant)
            listed = [one["id"] async for one in client.events.list(tenant=tenant)]
            return event["id"], listed

    event, listed = asyncio.run(run())
    assert listed == [event]
