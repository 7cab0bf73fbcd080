"""The API in OpenAPI's words: what GET /openapi.json answers and /docs shows. Tests hold it to what is answered."""

import json
from html import escape

from bearcat import __version__
from bearcat.serving.protocol import ANSWER_FIELDS, FORM, JSON, MOST_IMAGES, MULTIPART, SUCCESS

TEXT = {"type": "string"}
NUMBER, WHOLE, NULL = {"type": "number"}, {"type": "integer"}, {"type": "null"}
POINT = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
MISTAKES = {
    "400": "the request or an image is not as it should be",
    "401": "the service has a token, and the request does not bring it",
    "405": "the path has no such method",
    "408": "the body did not come in time",
    "413": "too many bytes or pixels",
    "415": "no image, or neither a form nor JSON",
    "500": "the service failed",
    "503": "too many images are waiting (Retry-After says when to ask again), or there is no unit",
}


def describe_api(units: list[str]) -> dict:
    """Return the OpenAPI description of the service with units of these names."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bearcat", "version": __version__, "description": "Reads captchas with trained units."},
        "paths": {
            "/": {"post": read_operation(units)},
            "/api/predict": {"post": old_operation()},
            "/models": {"get": operation("The units, the first of which answers where none is named", "Models")},
            "/health": {"get": health_operation()},
            "/metrics": {"get": operation("Figures for Prometheus", TEXT, "text/plain")},
            "/openapi.json": {"get": operation("This description", {"type": "object"})},
            "/docs": {"get": operation("This description for people", TEXT, "text/html")},
        },
        "components": {"schemas": SCHEMAS, "securitySchemes": SECURITY},
        # {} too, since a service without a token asks for none
        "security": [{}, *({name: []} for name in SECURITY)],
    }


def operation(summary: str, answer: str | dict, kind: str = JSON, mistakes: tuple[str, ...] = ("401", "405")) -> dict:
    """Return the description of an operation that answers with a schema, or with one of SCHEMAS by its name."""
    schema = reference(answer) if isinstance(answer, str) else answer
    told = {status: {"description": MISTAKES[status], "content": content("Mistake")} for status in mistakes}
    return {
        "summary": summary,
        "responses": {"200": {"description": summary, "content": {kind: {"schema": schema}}}, **told},
    }


def read_operation(units: list[str]) -> dict:
    """Return the description of POST /."""
    image = {**TEXT, "description": "base64 of a PNG, JPEG, GIF, BMP or WEBP, or its data URL"}
    several = {"type": "array", "items": image, "minItems": 1, "maxItems": MOST_IMAGES}
    options = {
        "model": {**TEXT, "enum": units, "description": "the unit; the first where none is named"},
        "grid": {**TEXT, "description": "read the cells of a grid: ROWSxCOLUMNS[+LEFT+TOP][+RIGHT+BOTTOM][~GAP]"},
        "name": {**TEXT, "description": "with grid: only the cells that show this"},
        "prompt": {
            "oneOf": [TEXT, {"type": "array", "items": TEXT}],
            "description": "of a unit of EFFICIENTDET: what to click, in order; in a form as text or a JSON list",
        },
    }
    upload = {"oneOf": [image, {**TEXT, "format": "binary"}]}
    either = {"oneOf": [image, several], "description": "several images get several answers"}
    uploads = {"oneOf": [upload, several | {"items": upload}], "description": "repeat the field for several images"}
    schemas = {JSON: either, FORM: either, MULTIPART: uploads}
    body = {kind: {"schema": {"type": "object", "required": ["img"], "properties": {"img": schema} | options}}
            for kind, schema in schemas.items()}  # fmt: skip
    answer = {"oneOf": [reference("Answer"), reference("Answers")]}
    return {
        "requestBody": {"required": True, "content": body},
        **operation("Read images", answer, JSON, (*MISTAKES,)),
    }


def old_operation() -> dict:
    """Return the description of POST /api/predict."""
    data = {"type": "array", "items": TEXT, "minItems": 1, "description": "one image's data URL or base64"}
    body = {JSON: {"schema": {"type": "object", "required": ["data"], "properties": {"data": data}}}}
    described = operation("Read one image with the first unit, in the form of gradio 2 and 3", "OldAnswer", JSON,
                          (*MISTAKES,))  # fmt: skip
    return {"requestBody": {"required": True, "content": body}, **described}


def health_operation() -> dict:
    """Return the description of GET /health, which asks for no token."""
    described = operation("Whether an image would be read now", "Health", JSON, ("405",))
    described["responses"]["503"] = {"description": "there is no unit", "content": content("Health")}
    return {"security": [], **described}


def reference(name: str) -> dict:
    """Return a pointer to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def content(name: str) -> dict:
    """Return the content of an answer in JSON."""
    return {JSON: {"schema": reference(name)}}


def record(**properties: dict) -> dict:
    """Return the schema of an object that has just these fields."""
    return {"type": "object", "required": list(properties), "properties": properties}


COORDINATE = {"description": "in pixels of the image that was sent", **NUMBER}
SCHEMAS = {
    "Answer": record(
        return_code={"const": 200},
        return_info={"const": SUCCESS},
        result={
            "oneOf": [
                {**TEXT, "description": "text, or the name of a class"},
                {"type": "array", "items": reference("Cell"), "description": "with grid"},
                {"type": "array", "items": reference("Object"), "description": "of a unit of EFFICIENTDET"},
            ]
        },
        recognition_rate={"type": "array", "items": NUMBER, "description": "the probability of each part"},
        overall_recognition_rate={**NUMBER, "description": "their product"},
        time={**NUMBER, "description": "seconds"},
    ),
    "Answers": record(
        return_code={"const": 200},
        return_info={"const": SUCCESS},
        results={"type": "array", "items": {"oneOf": [reference("Answer"), reference("Mistake")]}},
        time={**NUMBER, "description": "seconds for all"},
    ),
    "Mistake": record(
        return_code={"type": "integer", "description": "the HTTP status"},
        return_info={**TEXT, "description": "what is wrong and what is expected"},
        **dict.fromkeys(ANSWER_FIELDS, NULL),
    ),
    "Cell": record(number=WHOLE, centre=POINT, label=TEXT, confidence=NUMBER),
    "Object": record(label=TEXT, score=NUMBER, **dict.fromkeys(("xmin", "ymin", "xmax", "ymax"), COORDINATE)),
    "OldAnswer": record(data={"type": "array", "items": {}}, duration=NUMBER),
    "Health": record(status={"enum": ["ok", "no unit"]}, units={"type": "array", "items": TEXT}),
    "Models": record(models={"type": "array", "items": reference("Model")}),
    "Model": record(
        name=TEXT,
        mode=TEXT,
        backbone=TEXT,
        vocabulary_size=WHOLE,
        input=record(height=WHOLE, width=WHOLE, channels=WHOLE),
        metrics={"type": "object", "additionalProperties": NUMBER},
    ),
}
# added here, since only some answers have it
SCHEMAS["Answer"]["properties"]["points"] = {
    "type": "array",
    "items": {"oneOf": [POINT, {"type": "null"}]},
    "description": "with prompt: where to click, in its order; null for what was not found",
}
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Token"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "bearcat", "description": "set by opening /?token=…"},
}


# ---- merged from api_page: The page /docs: an OpenAPI description as plain HTML, since the usual viewers are fetched from other machines.


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
