"""The API as an OpenAPI document (GET /openapi.json), and as a plain HTML page (GET /docs).

The page is our own, since the usual viewers load scripts from other hosts.
"""

import base64
import hashlib
import json
from html import escape

from bearcat import __version__
from bearcat.serving.protection.same_origin import STRICT_POLICY
from bearcat.serving.protocol import (
    ANSWER_FIELDS,
    FORM,
    IMAGE_FIELD,
    IMAGE_FIELDS,
    JSON,
    MAX_IMAGES,
    MULTIPART,
    SUCCESS,
)

TEXT = {"type": "string"}
NUMBER, INTEGER, NULL = {"type": "number"}, {"type": "integer"}, {"type": "null"}
POINT = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
ERRORS = {
    "400": "The request or an image is invalid",
    "401": "The service has a token, and the request does not bring it",
    "403": "The request comes from a page of another site, or names a host that is not served",
    "405": "The path does not support the method",
    "408": "The head or the body did not arrive in time",
    "413": "Too many bytes or pixels",
    "415": "Not an image, or neither a form nor JSON",
    "431": "Too many bytes before the body",
    "500": "The service failed, or a prediction took too long",
    "503": "Too many images are waiting (Retry-After says when to try again), or there is no model",
}


def describe_api(models: list[str]) -> dict:
    """Returns the OpenAPI document of a service.

    Args:
        models: The names of its models.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bearcat", "version": __version__, "description": "Recognises captchas with trained models."},
        "paths": {
            "/": {"post": _predict_operation(models)},
            "/api/predict": {"post": _gradio_operation()},
            "/models": {"get": _operation("The models, the default one first", "Models")},
            "/health": {"get": _health_operation()},
            "/metrics": {"get": _operation("Metrics for Prometheus", TEXT, "text/plain")},
            "/openapi.json": {"get": _operation("This description", {"type": "object"})},
            "/docs": {"get": _operation("This description as a page", TEXT, "text/html")},
        },
        "components": {"schemas": SCHEMAS, "securitySchemes": SECURITY},
        # {} too, since a service without a token needs none
        "security": [{}, *({name: []} for name in SECURITY)],
    }


def _operation(
    summary: str, answer: str | dict, content_type: str = JSON, errors: tuple[str, ...] = ("401", "403", "405")
) -> dict:
    """Returns an operation; `answer` is a schema, or the name of one in SCHEMAS."""
    schema = _reference(answer) if isinstance(answer, str) else answer
    responses = {status: {"description": ERRORS[status], "content": _content("Error")} for status in errors}
    return {
        "summary": summary,
        "responses": {"200": {"description": summary, "content": {content_type: {"schema": schema}}}, **responses},
    }


def _predict_operation(models: list[str]) -> dict:
    image = {**TEXT, "description": "Base64 of a PNG, JPEG, GIF, BMP or WEBP file, or its data URL"}
    batch = {"type": "array", "items": image, "minItems": 1, "maxItems": MAX_IMAGES}
    options = {
        "model": {**TEXT, "enum": models, "description": "Name of the model; default: the first one"},
        "grid": {**TEXT, "description": "Classify the cells of a grid: ROWSxCOLUMNS[+LEFT+TOP][+RIGHT+BOTTOM][~GAP]"},
        "name": {**TEXT, "description": "With grid: only cells of this class"},
        "prompt": {
            "oneOf": [TEXT, {"type": "array", "items": TEXT}],
            "description": "EFFICIENTDET: what to click, in order; in a form as text or a JSON list",
        },
    }
    upload = {"oneOf": [image, {**TEXT, "format": "binary"}]}
    one_or_more = {"oneOf": [image, batch], "description": "A list gets a list of answers"}
    uploads = {"oneOf": [upload, batch | {"items": upload}], "description": "Repeat the field for several images"}
    schemas = {JSON: one_or_more, FORM: one_or_more, MULTIPART: uploads}
    body = {content_type: {"schema": _predict_body(schema, options)} for content_type, schema in schemas.items()}
    answer = {"oneOf": [_reference("Answer"), _reference("Answers")]}
    return {
        "requestBody": {"required": True, "content": body},
        **_operation("Predict one image or several", answer, JSON, (*ERRORS,)),
    }


def _predict_body(image: dict, options: dict) -> dict:
    """Returns the schema of a request's fields; one of IMAGE_FIELDS is required."""
    aliases = {name: image | {"description": f"In place of {IMAGE_FIELD}"} for name in IMAGE_FIELDS[1:]}
    return {
        "type": "object",
        "anyOf": [{"required": [name]} for name in IMAGE_FIELDS],
        "properties": {IMAGE_FIELD: image, **aliases, **options},
    }


def _gradio_operation() -> dict:
    data = {"type": "array", "items": TEXT, "minItems": 1, "description": "One image as a data URL or base64"}
    body = {JSON: {"schema": {"type": "object", "required": ["data"], "properties": {"data": data}}}}
    summary = "Predict one image with the default model, in the format of gradio 2 and 3"
    return {
        "requestBody": {"required": True, "content": body},
        **_operation(summary, "GradioAnswer", JSON, (*ERRORS,)),
    }


def _health_operation() -> dict:
    operation = _operation("Whether the service can predict images now; needs no token", "Health", JSON, ("403", "405"))
    operation["responses"]["503"] = {"description": "There is no model", "content": _content("Health")}
    return {"security": [], **operation}


def _reference(name: str) -> dict:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(name: str) -> dict:
    return {JSON: {"schema": _reference(name)}}


def _record(**properties: dict) -> dict:
    """Returns the schema of an object all of whose fields are required."""
    return {"type": "object", "required": list(properties), "properties": properties}


COORDINATE = {"description": "In pixels of the image that was sent", **NUMBER}
SCHEMAS = {
    "Answer": _record(
        return_code={"const": 200},
        return_info={"const": SUCCESS},
        result={
            "oneOf": [
                {**TEXT, "description": "Text, or the name of a class"},
                {"type": "array", "items": _reference("Cell"), "description": "With grid"},
                {"type": "array", "items": _reference("Object"), "description": "EFFICIENTDET"},
            ]
        },
        recognition_rate={
            "type": "array",
            "items": NUMBER,
            "description": "Confidence of each character, class, cell or object",
        },
        overall_recognition_rate={**NUMBER, "description": "Their product"},
        time={**NUMBER, "description": "Seconds"},
    ),
    "Answers": _record(
        return_code={"const": 200},
        return_info={"const": SUCCESS},
        results={"type": "array", "items": {"oneOf": [_reference("Answer"), _reference("Error")]}},
        time={**NUMBER, "description": "Seconds for the whole request"},
    ),
    "Error": _record(
        return_code={"type": "integer", "description": "The HTTP status"},
        return_info={**TEXT, "description": "What is wrong and what is expected"},
        **dict.fromkeys(ANSWER_FIELDS, NULL),
    ),
    "Cell": _record(number=INTEGER, centre=POINT, label=TEXT, confidence=NUMBER),
    "Object": _record(label=TEXT, score=NUMBER, **dict.fromkeys(("xmin", "ymin", "xmax", "ymax"), COORDINATE)),
    "GradioAnswer": _record(data={"type": "array", "items": {}}, duration=NUMBER),
    "Health": _record(status={"enum": ["ok", "no unit"]}, units={"type": "array", "items": TEXT}),
    "Models": _record(models={"type": "array", "items": _reference("Model")}),
    "Model": _record(
        name=TEXT,
        mode=TEXT,
        backbone=TEXT,
        vocabulary_size=INTEGER,
        input=_record(height=INTEGER, width=INTEGER, channels=INTEGER),
        metrics={"type": "object", "additionalProperties": NUMBER},
    ),
}
# added here, since _record would make it required
SCHEMAS["Health"]["properties"]["rejected"] = {"type": "array", "items": TEXT, "description": "Files not served"}
SCHEMAS["Answer"]["properties"]["points"] = {
    "type": "array",
    "items": {"oneOf": [POINT, NULL]},
    "description": "With prompt: where to click, in its order; null for what was not found",
}
SCHEMAS["Answer"]["properties"]["answer"] = {
    "oneOf": [TEXT, NULL],
    "description": "Of models of sums: the number that the text asks for; null if it is no sum",
}
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Token"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "bearcat", "description": "Set by opening /?token=…"},
}

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #8886;padding:.3rem .6rem;text-align:left;
vertical-align:top}pre{background:#8882;padding:.6rem;overflow:auto}:root{color-scheme:light dark}"""
# the page has this style and nothing else that a browser would load
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
DOCS_POLICY = f"{STRICT_POLICY}; style-src 'sha256-{_STYLE_HASH}'"


def docs_page(document: dict) -> str:
    """Returns an OpenAPI document as an HTML page."""
    info = document["info"]
    operations = [
        _operation_html(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = [
        f'<h3 id="{name}">{name}</h3>{_fields_html(schema)}'
        for name, schema in document["components"]["schemas"].items()
    ]
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])} API</title>'
        f"<style>{STYLE}</style><h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f"<p>{escape(info['description'])} For programs: <a href='openapi.json'>openapi.json</a>.</p>"
        f"{''.join(operations)}<h2>Schemas</h2>{''.join(schemas)}</html>"
    )


def _operation_html(method: str, path: str, operation: dict) -> str:
    parts = [f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation['summary'])}</p>"]
    body = operation.get("requestBody", {}).get("content", {})
    if body:
        content_types = ", ".join(f"<code>{escape(content_type)}</code>" for content_type in body)
        parts.append(f"<p>Accepts {content_types}:</p>{_fields_html(next(iter(body.values()))['schema'])}")
    rows = "".join(_response_html(status, response) for status, response in operation["responses"].items())
    return "".join([*parts, f"<table><tr><th>status</th><th>meaning</th><th>body</th></tr>{rows}</table>"])


def _response_html(status: str, response: dict) -> str:
    bodies = "; ".join(
        f"{escape(content_type)}: {_type_html(media['schema'])}" for content_type, media in response["content"].items()
    )
    return f"<tr><td>{status}</td><td>{escape(response['description'])}</td><td>{bodies}</td></tr>"


def _fields_html(schema: dict) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{_requirement(name, schema)}</td>"
        f"<td>{_type_html(field)}</td><td>{escape(field.get('description', ''))}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    )
    return f"<table><tr><th>field</th><th>required</th><th>type</th><th>meaning</th></tr>{rows}</table>"


def _requirement(name: str, schema: dict) -> str:
    if name in schema.get("required", ()):
        return "yes"
    return "one of these" if any(name in option["required"] for option in schema.get("anyOf", ())) else ""


def _type_html(schema: dict) -> str:
    """Returns the type of a schema as text, with a link to a named one."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{name}</a>'
    if "oneOf" in schema:
        return " or ".join(_type_html(option) for option in schema["oneOf"])
    if schema.get("type") == "array":
        return f"list of {_type_html(schema.get('items', {}))}"
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"<code>{escape(json.dumps(value, ensure_ascii=False))}</code>" for value in values)
    return escape(schema.get("format") or schema.get("type") or "anything")
