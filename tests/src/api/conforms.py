"""Checks requests and answers, as they went over a socket, against an OpenAPI document.

    conforms.py OPENAPI.json EXCHANGES.json

Each exchange has: method, path, type, body, status, answer_type, answer.
"""

import json
import re
import sys
from urllib.parse import parse_qsl, unquote, urlsplit

from jsonschema import Draft202012Validator, FormatChecker

# Whoever owns the data directory may copy it; that is no operation of the network.
OWNERS_ONLY = {"/metrics", "/api/v1/backup"}


def validator(document, schema):
    return Draft202012Validator(
        {**schema, "components": document["components"]}, format_checker=FormatChecker()
    )


def problems(document, schema, value):
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in validator(document, schema).iter_errors(value)
    ]


def find(document, method, path):
    for template, item in document["paths"].items():
        pattern = "".join(
            "([^/]+)" if part.startswith("{") else re.escape(part)
            for part in re.split(r"(\{[^}]+\})", template)
        )
        match = re.fullmatch(pattern, path)
        if match and method.lower() in item:
            names = re.findall(r"\{([^}]+)\}", template)
            operation = item[method.lower()]
            given = dict(zip(names, map(unquote, match.groups())))
            named = {p["name"]: p for p in operation.get("parameters", []) if p["in"] == "path"}
            if all(not problems(document, named[n]["schema"], v) for n, v in given.items()):
                return operation
    return None


def typed(schema, text):
    if schema.get("type") in ("integer", "number"):
        return float(text) if "." in text else int(text)
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def resolved(document, value):
    while "$ref" in value:
        for part in value["$ref"].split("/")[1:]:
            value = value if part == "#" else value
        target = document
        for part in value["$ref"].lstrip("#/").split("/"):
            target = target[part]
        value = target
    return value


def request(document, operation, exchange):
    query = parse_qsl(urlsplit(exchange["path"]).query, keep_blank_values=True)
    known = {p["name"]: p for p in operation.get("parameters", []) if p["in"] == "query"}
    for name, text in query:
        if name not in known:
            yield f"parameter {name} is not described"
            continue
        schema = resolved(document, known[name]["schema"])
        yield from problems(document, known[name]["schema"], typed(schema, text))
    for name, parameter in known.items():
        if parameter["required"] and name not in dict(query):
            yield f"parameter {name} is missing"
    body = operation.get("requestBody")
    if body is None:
        if exchange["body"]:
            yield f"a body that is not described: {exchange['body'][:80]}"
        return
    kind = (exchange["type"] or "application/octet-stream").split(";")[0]
    content = body["content"].get(kind)
    if content is None:
        yield f"content type {kind} is not described"
    elif kind == "application/json":
        yield from problems(document, content["schema"], json.loads(exchange["body"]))


def answer(document, operation, exchange):
    described = operation["responses"].get(str(exchange["status"]))
    if described is None:
        yield f"status {exchange['status']} is not described"
        return
    content = resolved(document, described).get("content", {})
    kind = exchange["answer_type"]
    if kind not in content:
        yield f"content type {kind} is not described"
        return
    yield from problems(document, content[kind]["schema"], json.loads(exchange["answer"]))


def main():
    document, exchanges = (json.load(open(name, encoding="utf-8")) for name in sys.argv[1:])
    found, used = [], set()
    for exchange in exchanges:
        path = urlsplit(exchange["path"]).path
        if path in OWNERS_ONLY:
            continue
        operation = find(document, exchange["method"], path)
        place = f"{exchange['method']} {exchange['path']} -> {exchange['status']}"
        if operation is None:
            found.append(f"{place}: no such operation")
            continue
        used.add(operation["operationId"])
        for check in (request, answer):
            problems_found = check(document, operation, exchange)
            found.extend(f"{place}: {check.__name__}: {it}" for it in problems_found)
    print(f"{len(exchanges)} exchanges, {len(used)} operations: {', '.join(sorted(used))}")
    for problem in found:
        print(problem)
    sys.exit(1 if found or not used else 0)


main()
