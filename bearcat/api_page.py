"""The page /docs: an OpenAPI description as plain HTML, since the usual viewers are fetched from other machines."""

import json
from html import escape

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #8886;padding:.3rem .6rem;text-align:left;
vertical-align:top}pre{background:#8882;padding:.6rem;overflow:auto}:root{color-scheme:light dark}"""


def docs_page(description: dict) -> str:
    """Return the page that shows a description."""
    info = description["info"]
    operations = [
        show_operation(method, path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = [
        f'<h3 id="{name}">{name}</h3>{show_fields(schema)}'
        for name, schema in description["components"]["schemas"].items()
    ]
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])} API</title>'
        f"<style>{STYLE}</style><h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f"<p>{escape(info['description'])} For programs: <a href='openapi.json'>openapi.json</a>.</p>"
        f"{''.join(operations)}<h2>Forms of answers</h2>{''.join(schemas)}</html>"
    )


def show_operation(method: str, path: str, operation: dict) -> str:
    """Return what an operation takes and answers."""
    parts = [f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation['summary'])}</p>"]
    body = operation.get("requestBody", {}).get("content", {})
    if body:
        kinds = ", ".join(f"<code>{escape(kind)}</code>" for kind in body)
        parts.append(f"<p>Takes {kinds}:</p>{show_fields(next(iter(body.values()))['schema'])}")
    rows = "".join(show_response(status, response) for status, response in operation["responses"].items())
    return "".join([*parts, f"<table><tr><th>status</th><th>meaning</th><th>form</th></tr>{rows}</table>"])


def show_response(status: str, response: dict) -> str:
    """Return a row for an answer."""
    kinds = "; ".join(f"{escape(kind)}: {name_of(part['schema'])}" for kind, part in response["content"].items())
    return f"<tr><td>{status}</td><td>{escape(response['description'])}</td><td>{kinds}</td></tr>"


def show_fields(schema: dict) -> str:
    """Return a table of an object's fields."""
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{'yes' if name in schema.get('required', ()) else ''}</td>"
        f"<td>{name_of(field)}</td><td>{escape(field.get('description', ''))}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    )
    return f"<table><tr><th>field</th><th>always</th><th>type</th><th>meaning</th></tr>{rows}</table>"


def name_of(schema: dict) -> str:
    """Return a type in words, with a link where it is told of elsewhere."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{name}</a>'
    if "oneOf" in schema:
        return " or ".join(name_of(one) for one in schema["oneOf"])
    if schema.get("type") == "array":
        return f"list of {name_of(schema.get('items', {}))}"
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"<code>{escape(json.dumps(one, ensure_ascii=False))}</code>" for one in values)
    return escape(schema.get("format") or schema.get("type") or "anything")
