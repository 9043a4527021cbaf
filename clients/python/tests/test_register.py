"""Which endpoint a listener is registered at."""

import asyncio

from surehook.fastapi import Surehook


def test_a_listener_whose_endpoint_was_deleted_gets_another(surehook, tenant):
    async def register():
        async with Surehook() as client:
            client.on("order.*", name="kept")(print)
            await client.register("http://127.0.0.1:1/hooks", tenant=tenant)

    asyncio.run(register())
    [before] = surehook.endpoints.list(tenant=tenant)
    surehook.endpoints.delete(before["id"])
    asyncio.run(register())
    [after] = surehook.endpoints.list(tenant=tenant)
    assert after["url"] == before["url"] and after["id"] != before["id"]


def test_listeners_of_the_same_name_in_two_applications_have_an_endpoint_each(surehook, tenant):
    async def register(application):
        async with Surehook() as client:
            client.on("order.*", name="book")(print)
            await client.register(f"http://127.0.0.1:1/{application}", tenant=tenant, application=application)

    for application in ("shop", "billing", None, "shop"):
        asyncio.run(register(application))
    found = sorted((one["url"], one["metadata"]) for one in surehook.endpoints.list(tenant=tenant))
    assert found == [
        ("http://127.0.0.1:1/None/book", {"listener": "book"}),
        ("http://127.0.0.1:1/billing/book", {"listener": "book", "application": "billing"}),
        ("http://127.0.0.1:1/shop/book", {"listener": "book", "application": "shop"}),
    ]
