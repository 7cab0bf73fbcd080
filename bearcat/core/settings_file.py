"""Read settings: the defaults, under the work's own, under the command line's; and say all that is wrong at once."""

import ast
from dataclasses import dataclass
from pathlib import Path

from bearcat.core.errors import SettingsError
from bearcat.core.files import written_beside

AUTO = "auto"  # the value of a setting that is left to the toolkit


@dataclass(frozen=True)
class Unreadable:
    """A value that is no plain literal; no rule accepts it."""

    source: str

    def __repr__(self) -> str:
        return self.source


def read_settings_file(path: Path) -> dict[str, tuple[object, ast.Assign]]:
    """Return name → (value, where it stands) for the ALL_CAPS names of a settings file.

    The file is parsed, not run: a work that came from somewhere else executes nothing.
    Raises SettingsError where it is no UTF-8, no Python, or more than lines of NAME = value.
    """
    try:
        tree = ast.parse(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path} is not there: copy the toolkit's settings.py to this place") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8") from None
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        line = getattr(error, "lineno", None) or "?"
        raise SettingsError(f"{path}, line {line}: not a line of Python: {error}") from None
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # the docstring
        if not isinstance(node, ast.Assign) or [type(target) for target in node.targets] != [ast.Name]:
            raise SettingsError(f"{path}, line {node.lineno}: {ast.unparse(node)}: NAME = value is expected")
        if node.targets[0].id.isupper():
            found[node.targets[0].id] = (_literal(node.value), node)
    return found


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return Unreadable(ast.unparse(node))


def parse_override(text: str) -> tuple[str, object]:
    """Return the name and value of `NAME=VALUE`; a value that is no Python literal is taken as text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise SettingsError(f"--set {text}: NAME=VALUE is expected, as in --set EPOCHS=20")
    try:
        return name.strip(), ast.literal_eval(value.strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return name.strip(), value.strip()


def _place(node: ast.Assign) -> tuple[int, int]:
    return node.lineno, node.col_offset


def change_settings_file(path: Path, values: dict[str, object]) -> dict[str, tuple[object, object]]:
    """Write new values into a settings file, leaving every other character, comments and line ends as they are.

    A name that the file lacks is added at its end. Returns name → (old value or None, new value) of what changed.
    """
    found = read_settings_file(path)
    changed = {
        name: (found[name][0] if name in found else None, value)
        for name, value in values.items()
        if name not in found or repr(found[name][0]) != repr(value)
    }
    lines = path.read_bytes().splitlines(keepends=True)
    line_end = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
    # from the last line to the first, so that a value over several lines shifts nothing that is still to be changed
    for name in sorted(changed, key=lambda name: _place(found[name][1]) if name in found else (0, 0), reverse=True):
        new = repr(values[name]).encode("utf-8")
        if name in found:
            value = found[name][1].value
            first, last = value.lineno - 1, value.end_lineno - 1
            bom = len(lines[0]) - len(lines[0].removeprefix(b"\xef\xbb\xbf"))
            start = value.col_offset + (bom if first == 0 else 0)
            end = value.end_col_offset + (bom if last == 0 else 0)
            line = lines[first][:start] + new + lines[last][end:]
            lines[first : last + 1] = [line]
        else:
            if lines and not lines[-1].endswith(b"\n"):
                lines[-1] += line_end
            lines.append(name.encode("utf-8") + b" = " + new + line_end)
    if changed:
        with written_beside(path) as part:
            part.write_bytes(b"".join(lines))
    return changed
