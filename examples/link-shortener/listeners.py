"""Listeners of ``link.clicked``, in a process of their own: add one, and start this process again."""

import os
import sqlite3
import time
from collections import defaultdict
from contextlib import asynccontextmanager

from fastapi import FastAPI
from surehook.fastapi import ReceivedEvent, Surehook

URL = os.environ.get("LISTENERS_URL", "http://127.0.0.1:8001/hooks")
MAX_CLICKS_PER_MINUTE = 10

surehook = Surehook()
clicks = sqlite3.connect(os.environ.get("CLICKS", "clicks.sqlite"))
clicks.execute("create table if not exists clicks (event_id text primary key, code text not null)")
recent: defaultdict[str, dict[str, float]] = defaultdict(dict)


@surehook.on("link.clicked")
async def log_click(event: ReceivedEvent):
    print("clicked", event.payload["code"], event.id, flush=True)


@surehook.on("link.clicked")
async def check_fraud(event: ReceivedEvent):
    address, now = event.payload["address"], time.time()
    # By id: an event may come twice.
    recent[address] = {id: at for id, at in recent[address].items() if at > now - 60} | {event.id: now}
    if len(recent[address]) > MAX_CLICKS_PER_MINUTE:
        print("suspicious", address, event.id, flush=True)


@surehook.on("link.clicked")
async def count_click(event: ReceivedEvent):
    with clicks:
        clicks.execute("insert or ignore into clicks values (?, ?)", (event.id, event.payload["code"]))


@asynccontextmanager
async def lifespan(app: FastAPI):
    await surehook.register(URL)
    yield


app = FastAPI(lifespan=lifespan, routes=[surehook.route("/hooks")])


@app.get("/clicks/{code}")
async def count(code: str):
    [number] = clicks.execute("select count(*) from clicks where code = ?", (code,)).fetchone()
    return {"clicks": number}
