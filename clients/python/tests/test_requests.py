"""What the client sends, and makes of an answer, without a server."""

import asyncio
import pickle

import httpx
import pytest

from surehook import NotFoundError, Surehook, SurehookError, fastapi


def client_of(answer):
    """A client whose requests a function answers."""
    return Surehook("http://surehook.test", "key", max_retries=0, transport=httpx.MockTransport(answer))


def test_a_filter_whose_name_is_a_keyword_has_a_trailing_underscore():
    queries = []

    def answer(request):
        queries.append(dict(request.url.params))
        return httpx.Response(200, json={"data": [], "next_cursor": None})

    with client_of(answer) as client:
        assert list(client.events.list(from_="2026-01-01T00:00:00Z", tenant="a")) == []
    assert queries == [{"from": "2026-01-01T00:00:00Z", "tenant": "a"}]


def test_an_error_passes_from_one_process_to_another():
    problem = {"code": "not_found", "detail": "There is no such event.", "errors": []}
    headers = {"content-type": "application/problem+json", "x-request-id": "req_1"}
    with client_of(lambda _: httpx.Response(404, json=problem, headers=headers)) as client:
        with pytest.raises(NotFoundError) as refused:
            client.events.get("evt_1")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        error = pickle.loads(pickle.dumps(refused.value, protocol))
        assert isinstance(error, NotFoundError)
        assert (str(error), error.status, error.code, error.request_id) == (problem["detail"], 404, "not_found", "req_1")


@pytest.mark.parametrize("url", ["surehook.example.com:8080", "127.0.0.1", "ftp://127.0.0.1", "http://", "http://a:b:c", "http://a\n"])
def test_a_url_that_cannot_be_used_is_refused_at_once(url):
    with pytest.raises(SurehookError, match="URL of the server"):
        Surehook(url, "key")


@pytest.mark.parametrize("key", ["sk_1\n", "sk 1", "schlüssel"])
def test_a_key_that_cannot_be_a_header_is_refused_at_once_and_not_shown(key):
    with pytest.raises(SurehookError, match="API key") as refused:
        Surehook("http://127.0.0.1", key)
    assert key not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "reason", "enabled"),
    [("disabled", "failing", True), ("disabled", "gone", True), ("disabled", "manual", False), ("paused", "manual", False)],
)
def test_registering_enables_an_endpoint_that_failures_disabled_and_no_other(status, reason, enabled, caplog):
    url = "http://127.0.0.1:1/hooks"
    endpoint = {"id": "ep_1", "url": f"{url}/ship", "event_types": ["order.*"], "metadata": {"listener": "ship"}}
    endpoint |= {"status": status, "status_reason": reason}
    calls = []

    def answer(request):
        calls.append((request.method, request.url.path))
        secrets = [{"secret": "whsec_AAAA"}]
        return httpx.Response(200, json={"data": [endpoint], "next_cursor": None, "secrets": secrets})

    async def register():
        async with fastapi.Surehook("http://surehook.test", "key", transport=httpx.MockTransport(answer)) as client:
            client.on("order.*", name="ship")(print)
            await client.register(url)

    asyncio.run(register())
    assert (("POST", "/v1/endpoints/ep_1/enable") in calls) is enabled
    assert ("disabled by hand" in caplog.text) is (status == "disabled" and not enabled)
