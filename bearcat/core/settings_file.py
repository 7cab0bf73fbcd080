"""Settings files: lines NAME = value, which are parsed but never run, and can be changed in place."""

import ast
from dataclasses import dataclass
from pathlib import Path

from bearcat.core.errors import SettingsError
from bearcat.core.files import atomic_write

AUTO = "auto"  # the value of a setting that leaves the choice to the toolkit


@dataclass(frozen=True)
class Unreadable:
    """A value that is not a literal; no rule accepts it."""

    source: str

    def __repr__(self) -> str:
        return self.source


def read_settings_file(path: Path) -> dict[str, tuple[object, ast.Assign]]:
    """Parses a settings file. It is not run, so that a work from somewhere else cannot execute anything.

    Returns:
        Name → value and statement, for the names in upper case. If a name occurs twice, the last one counts.

    Raises:
        SettingsError: The file is missing, not UTF-8, or has other statements than NAME = value.
    """
    try:
        tree = ast.parse(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path} is not there: copy the toolkit's settings.py to this place") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8") from None
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        line = getattr(error, "lineno", None) or "?"
        raise SettingsError(f"{path}, line {line}: not valid Python: {error}") from None
    found = {}
    for node in tree.body:
        match node:
            case ast.Expr(value=ast.Constant()):  # the docstring
                continue
            case ast.Assign(targets=[ast.Name(id=name)]):
                if name.isupper():
                    found[name] = (_literal(node.value), node)
            case _:
                raise SettingsError(
                    f"{path}, line {node.lineno}: only lines NAME = value are allowed, not {ast.unparse(node):.80}"
                )
    return found


def is_template_line(path: Path, name: str, default: object, comment: str) -> bool:
    """Whether a setting stands in a file as in the file that New_work.py copies, so that nobody has chosen its value.

    Args:
        path: The settings file of a work.
        name: The setting.
        default: Its value there, a text.
        comment: A part of the comment behind it there, in all versions of the toolkit.

    Returns:
        True also if the file has no such setting.
    """
    found = read_settings_file(path).get(name)
    if not found:
        return True
    line = path.read_bytes().splitlines()[found[1].lineno - 1].decode("utf-8-sig")
    return line.startswith(f'{name} = "{default}"  #') and comment in line


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return Unreadable(ast.unparse(node))


def parse_override(text: str) -> tuple[str, object]:
    """Parses NAME=VALUE; a value that is not a Python literal is taken as text.

    Raises:
        SettingsError: There is no name, or no =.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise SettingsError(f"--set {text}: NAME=VALUE is expected, as in --set EPOCHS=20")
    try:
        return name.strip(), ast.literal_eval(value.strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return name.strip(), value.strip()


def change_settings_file(
    path: Path, values: dict[str, object], rewrite: bool = False
) -> dict[str, tuple[object, object]]:
    """Writes new values into a settings file; comments, line ends and everything else stay as they are.

    Args:
        path: The file.
        values: Name → new value. Names that the file does not have are appended.
        rewrite: Whether to write values that are there already, too, so that `is_template_line` becomes False.

    Returns:
        Name → old value (None if it was missing) and new value, for the values that changed.
    """
    found = read_settings_file(path)
    changed = {
        name: (found[name][0] if name in found else None, value)
        for name, value in values.items()
        if rewrite or name not in found or repr(found[name][0]) != repr(value)
    }
    lines = path.read_bytes().splitlines(keepends=True)
    line_end = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
    # backwards, so that values of several lines do not shift those that are still to be changed
    for name in sorted(changed, key=lambda name: _position(found[name][1]) if name in found else (0, 0), reverse=True):
        new = repr(values[name]).encode("utf-8")
        if name in found:
            _replace_value(lines, found[name][1].value, new)
        else:
            if lines and not lines[-1].endswith(b"\n"):
                lines[-1] += line_end
            lines.append(name.encode("utf-8") + b" = " + new + line_end)
    if changed:
        with atomic_write(path) as part:
            part.write_bytes(b"".join(lines))
    return changed


def _position(node: ast.Assign) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _replace_value(lines: list[bytes], node: ast.expr, new: bytes) -> None:
    """Replaces the source of an expression, whose columns ast counts in bytes after the BOM."""
    assert node.end_lineno is not None and node.end_col_offset is not None
    first, last = node.lineno - 1, node.end_lineno - 1
    bom = len(lines[0]) - len(lines[0].removeprefix(b"\xef\xbb\xbf"))
    start = node.col_offset + (bom if first == 0 else 0)
    end = node.end_col_offset + (bom if last == 0 else 0)
    lines[first : last + 1] = [lines[first][:start] + new + lines[last][end:]]
