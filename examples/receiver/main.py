"""Receives webhooks: verifies the bytes as they came, and handles each event once, also after a restart."""

import os
import sqlite3

from fastapi import FastAPI, HTTPException, Request
from surehook import WebhookVerificationError, verify_webhook

SECRET = os.environ["WEBHOOK_SECRET"]

events = sqlite3.connect(os.environ.get("EVENTS", "events.sqlite"))
events.execute("create table if not exists events (id text primary key, body blob not null)")
app = FastAPI()


@app.post("/webhooks", status_code=204)
async def receive(request: Request):
    body = await request.body()
    try:
        webhook = verify_webhook(body, request.headers, SECRET)
    except WebhookVerificationError as error:
        raise HTTPException(400, str(error)) from error
    # The id and what follows from the event belong into one transaction: a crash leaves both, or neither.
    with events:
        is_new = events.execute("insert or ignore into events values (?, ?)", (webhook.id, body)).rowcount
    print("received" if is_new else "had before", webhook.id, flush=True)
