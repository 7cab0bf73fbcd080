"""The API as an OpenAPI document (GET /openapi.json), and as a plain HTML page (GET /docs).

The page is our own, since the usual viewers load scripts from other hosts.
"""

import base64
import hashlib
import json
from html import escape

from bearcat import __version__
from bearcat.artifacts.model_choice import AUTO_MODEL
from bearcat.data.decoding.patterns import EXAMPLE, MAX_PATTERN
from bearcat.data.decoding.restrictions import MAX_CHARACTERS
from bearcat.data.frames import FIRST, FRAMES
from bearcat.data.images import COLOURS
from bearcat.data.layouts.arrangement import LAYOUTS, LINE
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
SIZE = {**POINT, "items": INTEGER, "description": "Width and height in pixels"}
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
# of every path: heads and bodies are checked before it is looked at
ERRORS_OF_ALL = tuple(status for status in ERRORS if status != "415")
# a white PNG of 16×16 pixels
IMAGE_EXAMPLE = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQAQAAAAA3iMLMAAAAD0lEQVR42mP8z8DEQAICADIBAR/gNlhXAAAAAElFTkSuQmCC"


def describe_api(models: list[str]) -> dict:
    """Returns the OpenAPI document of a service.

    Args:
        models: What a request can name as its model.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bearcat", "version": __version__, "description": "Recognises captchas with trained models."},
        "paths": {
            "/": {"get": _page_operation(), "post": _predict_operation(models)},
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
    summary: str, answer: str | dict, content_type: str = JSON, errors: tuple[str, ...] = ERRORS_OF_ALL
) -> dict:
    """Returns an operation; `answer` is a schema, or the name of one in SCHEMAS."""
    schema = _reference(answer) if isinstance(answer, str) else answer
    responses = {status: {"description": ERRORS[status], "content": _content("Error")} for status in errors}
    return {
        "summary": summary,
        "responses": {"200": {"description": summary, "content": {content_type: {"schema": schema}}}, **responses},
    }


def _page_operation() -> dict:
    operation = _operation("The page for people", TEXT, "text/html")
    operation["responses"] |= {
        "303": {"description": "The query brings the token: sets the cookie, and leads back without the query"},
        "404": {"description": "The service runs without its page", "content": _content("Error")},
    }
    operation["responses"]["401"]["content"] |= {"text/html": {"schema": TEXT}}  # to browsers
    return operation


def _predict_operation(models: list[str]) -> dict:
    description = "Base64 of a PNG, JPEG, GIF, BMP or WEBP file, or its data URL"
    image = {**TEXT, "description": description, "examples": [IMAGE_EXAMPLE]}
    batch = {"type": "array", "items": image, "minItems": 1, "maxItems": MAX_IMAGES}
    options = {
        "model": {
            **TEXT,
            "enum": models,
            "description": "Name of the model; default: the first one; "
            f"{AUTO_MODEL}, unless a model has that name: the one that the image fits",
        },
        "grid": {**TEXT, "description": "Classify the cells of a grid: ROWSxCOLUMNS[+LEFT+TOP][+RIGHT+BOTTOM][~GAP]"},
        "name": {**TEXT, "description": "With grid: only cells of this class"},
        "characters": {**TEXT, "maxLength": MAX_CHARACTERS, "description": "Only these characters may be predicted"},
        "length": {"oneOf": [TEXT, INTEGER], "description": "Number of characters, as 4 or 4-6"},
        "pattern": {**TEXT, "maxLength": MAX_PATTERN, "description": f"What the whole text is like, as {EXAMPLE}"},
        "prompt": {
            "oneOf": [TEXT, {"type": "array", "items": TEXT}],
            "description": "EFFICIENTDET: what to click, in order; in a form as text or a JSON list",
        },
    }
    upload = {"anyOf": [image, {**TEXT, "format": "binary"}]}
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
    image = {**TEXT, "examples": [IMAGE_EXAMPLE]}
    data = {"type": "array", "items": image, "minItems": 1, "description": "One image as a data URL or base64"}
    body = {JSON: {"schema": {"type": "object", "required": ["data"], "properties": {"data": data}}}}
    summary = "Predict one image with the default model, in the format of gradio 2 and 3"
    return {
        "requestBody": {"required": True, "content": body},
        **_operation(summary, "GradioAnswer", JSON, (*ERRORS,)),
    }


def _health_operation() -> dict:
    errors = tuple(status for status in ERRORS_OF_ALL if status != "401")
    operation = _operation("Whether the service can predict images now; needs no token", "Health", JSON, errors)
    operation["responses"]["503"] = {
        "description": "There is no model; or too many connections",
        "content": {JSON: {"schema": {"oneOf": [_reference("Health"), _reference("Error")]}}},
    }
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
            "anyOf": [
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
        image_sizes={"type": "array", "items": SIZE, "description": "Of the images that it expects, most common first"},
        label_lengths={
            "type": "array",
            "items": INTEGER,
            "description": "Smallest and largest number of characters that it was trained on; empty if not known",
        },
        image_colours={"type": "array", "items": {"enum": list(COLOURS)}},
        metrics={"type": "object", "additionalProperties": NUMBER},
    ),
}
# added here, since _record would make it required
SCHEMAS["Health"]["properties"]["rejected"] = {"type": "array", "items": TEXT, "description": "Files not served"}
SCHEMAS["Model"]["properties"]["input"]["properties"] |= {
    "frames": {"enum": list(FRAMES), "description": f"What is used of an animation; missing: {FIRST}"},
    "layout": {"enum": list(LAYOUTS), "description": f"How the text is laid out; missing: {LINE}"},
}
SCHEMAS["Answer"]["properties"]["points"] = {
    "type": "array",
    "items": {"oneOf": [POINT, NULL]},
    "description": "With prompt: where to click, in its order; null for what was not found",
}
SCHEMAS["Answer"]["properties"]["answer"] = {
    "oneOf": [TEXT, NULL],
    "description": "Of models of sums: the number that the text asks for; null if it is no sum",
}
SCHEMAS["Answer"]["properties"]["model"] = {**TEXT, "description": f"With model = {AUTO_MODEL}: the one chosen"}
SCHEMAS["Answer"]["properties"]["restriction_rate"] = SCHEMAS["Cell"]["properties"]["restriction_rate"] = {
    **NUMBER,
    "description": "With characters, length or pattern: probability that the model gives to all texts that they allow; "
    "with grid, of each cell",
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
        f"{escape(content_type)}: {_type_html(media['schema'])}"
        for content_type, media in response.get("content", {}).items()
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
    if options := schema.get("oneOf") or schema.get("anyOf"):
        return " or ".join(_type_html(option) for option in options)
    if schema.get("type") == "array":
        return f"list of {_type_html(schema.get('items', {}))}"
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"<code>{escape(json.dumps(value, ensure_ascii=False))}</code>" for value in values)
    return escape(schema.get("format") or schema.get("type") or "anything")
