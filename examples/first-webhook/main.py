"""GET / stores a webhook for a URL that always answers 500: Surehook keeps sending it."""

import os

from fastapi import FastAPI, Request
from surehook import AsyncSurehook

TARGET = os.environ.get("TARGET_URL", "http://127.0.0.1:8000/always-500")

app = FastAPI()
surehook = AsyncSurehook()  # SUREHOOK_URL and SUREHOOK_API_KEY of the environment


@app.get("/")
async def root():
    event = await surehook.send(TARGET, {"hello": "world"})
    return {"id": event["id"]}


@app.post("/always-500", status_code=500)
async def always_500(request: Request):
    print("attempt", request.headers["webhook-attempt"], flush=True)
