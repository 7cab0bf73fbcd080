"""Whether values are as an OpenAPI document says."""

TYPES = {"string": str, "array": list, "object": dict, "number": (int, float), "integer": int, "null": type(None)}


def fits(value: object, schema: dict, whole: dict) -> bool:
    """Whether a value fits a schema; supports only the keywords that the document of the service uses.

    Args:
        value: The value.
        schema: The schema.
        whole: The document, for references.
    """
    if "$ref" in schema:
        return fits(value, whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]], whole)
    if "oneOf" in schema:
        return sum(fits(value, one, whole) for one in schema["oneOf"]) == 1
    if "anyOf" in schema and not any(fits(value, one, whole) for one in schema["anyOf"]):
        return False
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if not isinstance(value, TYPES[schema["type"]] if "type" in schema else object):
        return False
    if isinstance(value, list):
        lengths = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        return lengths and all(fits(one, schema.get("items", {}), whole) for one in value)
    return not isinstance(value, dict) or _fields_fit(value, schema, whole)


def _fields_fit(value: dict, schema: dict, whole: dict) -> bool:
    """Whether the fields of an object fit, all of which must be described if any are."""
    known = all(fits(value[name], one, whole) for name, one in schema.get("properties", {}).items() if name in value)
    is_described = value.keys() <= schema.get("properties", value).keys()
    return known and is_described and value.keys() >= set(schema.get("required", ()))
