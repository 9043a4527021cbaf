"""Each method makes a request of the OpenAPI document, and can send every field that the document has."""

import inspect
import json
import re
from pathlib import Path
from typing import get_type_hints

import httpx
import pytest

from surehook import Surehook, fields

DOCUMENT = json.loads((Path(__file__).parents[3] / "docs" / "openapi.json").read_text())
RESOURCES = ("events", "endpoints", "event_types", "deliveries", "batches")
ARGUMENTS = {"id": "a/b", "name": "a/b", "event_types": ["*"], "events": [{}], "reason": "r", "idempotency_key": "k"}


def methods_of(instance):
    return [name for name in dir(instance) if not name.startswith("_")]


METHODS = ["send", "publish"] + [
    f"{resource}.{name}" for resource in RESOURCES for name in methods_of(getattr(Surehook("http://a.test", "key"), resource))
]


def called(method):
    """The names that the method takes as fields, or as filters; calls it with all of them."""
    values, names = {}, None
    for name, parameter in inspect.signature(method).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            [typed] = get_type_hints(method)[name].__args__
            names = get_type_hints(typed).keys()
            values |= dict.fromkeys(names, "x")
        else:
            values[name] = ARGUMENTS.get(name, "x")
    result = method(**values)
    if inspect.isgenerator(result):
        list(result)
    return names


def operation(request):
    path = request.url.raw_path.decode().split("?")[0]
    [template] = [one for one in DOCUMENT["paths"] if re.sub(r"\{\w+\}", "a%2Fb", one) == path]
    return DOCUMENT["paths"][template][request.method.lower()]


def body_schema(found):
    schema = found.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return DOCUMENT["components"]["schemas"][schema["$ref"].split("/")[-1]] if "$ref" in schema else schema


@pytest.mark.parametrize("path", METHODS)
def test_the_request_of_a_method_is_in_the_document(path):
    requests = []

    def answer(request):
        requests.append(request)
        return httpx.Response(200, json={"data": [], "next_cursor": None})

    with Surehook("http://a.test", "key", transport=httpx.MockTransport(answer)) as client:
        resource, _, name = path.rpartition(".")
        names = called(getattr(getattr(client, resource) if resource else client, name))
    [request] = requests
    found = operation(request)
    query = {one["name"] for one in found.get("parameters", []) if one["in"] == "query"}
    # A list reads its pages itself; `after` asks for another kind of answer.
    assert set(request.url.params) == query - {"cursor", "after"}
    schema = body_schema(found)
    allowed = {field for field, of in schema.get("properties", {}).items() if of != {"not": {}}}
    sent = set(json.loads(request.content or b"{}"))
    assert sent <= allowed
    assert sent >= (allowed if names else set(schema.get("required", [])))


@pytest.mark.parametrize(
    ("path", "field", "typed"),
    [
        ("/v1/batches", "filter", fields.BatchFilter),
        ("/v1/endpoints", "basic_auth", fields.BasicAuth),
        ("/v1/endpoints", "client_certificate", fields.ClientCertificate),
        ("/v1/endpoints", "extra_signature", fields.ExtraSignature),
    ],
)
def test_an_object_in_a_body_has_the_fields_of_the_document(path, field, typed):
    schema = body_schema(DOCUMENT["paths"][path]["post"])["properties"][field]
    [wanted] = [one for one in schema.get("anyOf", [schema]) if one["type"] == "object"]
    assert typed.__annotations__.keys() == wanted["properties"].keys()
