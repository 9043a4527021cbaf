"""Publishes an event, and lists its deliveries, by a client that openapi-python-client has made."""

import os

from surehook_api import AuthenticatedClient
from surehook_api.api.deliveries import list_deliveries
from surehook_api.api.events import post_event
from surehook_api.models import AcceptedEvent, ListDeliveriesResponse200, NewEvent

url = os.environ.get("SUREHOOK_URL", "http://127.0.0.1:8080")
client = AuthenticatedClient(url, os.environ["SUREHOOK_API_KEY"])

event = post_event.sync(client=client, body=NewEvent(type_="order.created", payload={"order_id": "1001"}))
if not isinstance(event, AcceptedEvent):
    raise SystemExit(f"The event was refused: {event}")
print("published", event.id)

deliveries = list_deliveries.sync(client=client, event_id=event.id)
if not isinstance(deliveries, ListDeliveriesResponse200):
    raise SystemExit(f"The deliveries cannot be read: {deliveries}")
for delivery in deliveries.data:
    print(delivery.id, delivery.status)
