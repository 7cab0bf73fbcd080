"""Hold what was read from JSON to the types that a dataclass says, so that a file edited by hand is told at once."""

import dataclasses
import typing

_NUMBERS = {float: (float, int)}


def check_fields(record: object) -> None:
    """Raise TypeError, naming the field, where a dataclass holds another type than it says; of dicts any."""
    for field in dataclasses.fields(record):
        value, kind = getattr(record, field.name), typing.get_origin(field.type) or field.type
        parts = [part for part in typing.get_args(field.type) if isinstance(part, type)]
        if not isinstance(kind, type):
            continue
        fits = isinstance(value, _NUMBERS.get(kind, kind))
        if fits and kind in (list, tuple) and len(parts) == 1:
            fits = all(isinstance(item, _NUMBERS.get(parts[0], parts[0])) for item in value)
        if not fits:
            raise TypeError(f"{field.name} is {value!r:.60}")
