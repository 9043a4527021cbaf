"""Calls for mypy, which fails where one that is wrong is not refused (``warn_unused_ignores``)."""

from surehook import Surehook


def calls(client: Surehook, tenant: str | None) -> None:
    client.publish("order.created", {}, tenant="acme", endpoint_ids=["ep_1"])
    client.publish("order.created", {}, tennant="acme")  # type: ignore[call-arg]
    client.send("https://example.com", {}, endpoint_ids=["ep_1"])  # type: ignore[call-arg]
    client.endpoints.create("https://example.com", ["*"], basic_auth={"username": "a", "password": "b"})
    client.endpoints.create("https://example.com", ["*"], timeout_ms="15s")  # type: ignore[arg-type]
    client.endpoints.update("ep_1", filter=None, retry_schedule=None)
    client.endpoints.update("ep_1", secret="whsec_AAAA")  # type: ignore[call-arg]
    client.batches.create(filter={"status": ["FAILED", "CANCELLED"], "from": "2026-01-01T00:00:00Z"}, dry_run=True)
    client.batches.create(filter={"status": "failed"})  # type: ignore[typeddict-item]
    client.deliveries.list(status="FAILED", tenant=tenant, from_="2026-01-01T00:00:00Z")
    client.deliveries.list(status="LOST")  # type: ignore[arg-type]
    client.deliveries.list(event="evt_1")  # type: ignore[call-arg]
