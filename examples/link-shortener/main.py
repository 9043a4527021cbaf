"""A link shortener. Its redirect publishes ``link.clicked`` and knows nothing of those who listen."""

import secrets

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, HttpUrl
from surehook import AsyncSurehook

app = FastAPI()
surehook = AsyncSurehook()
links: dict[str, str] = {}  # In memory: keep yours in a database.


class Link(BaseModel):
    url: HttpUrl


@app.post("/links", status_code=201)
async def shorten(link: Link):
    code = secrets.token_urlsafe(6)
    links[code] = str(link.url)
    return {"code": code}


@app.get("/{code}")
async def redirect(code: str, request: Request):
    if code not in links:
        raise HTTPException(404)
    address = request.client.host if request.client else None
    await surehook.publish("link.clicked", {"code": code, "url": links[code], "address": address})
    return RedirectResponse(links[code])
