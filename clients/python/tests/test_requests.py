"""What the client sends, and makes of an answer, without a server."""

import httpx

from surehook import Surehook


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
