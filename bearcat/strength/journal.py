"""The file of the results of finished trials, so that the next run does not repeat them."""

from pathlib import Path

from bearcat.core.files import append_json_line, read_json_lines
from bearcat.strength.trials import TrialResult


class Journal:
    """The finished trials of a work, each under a digest of what decides its result.

    Lines that a kill cut off or that have another form are left out.

    Args:
        path: The file of JSON lines, which may be missing.
    """

    def __init__(self, path: Path):
        self._path = path
        self._found: dict[str, TrialResult] = {}
        for entry in read_json_lines(path):
            try:
                self._found[entry["digest"]] = TrialResult.from_dict(entry)
            except (KeyError, TypeError):
                continue

    def find(self, digest: str) -> TrialResult | None:
        """Returns the result of a trial; None if it has not finished."""
        return self._found.get(digest)

    def add(self, digest: str, result: TrialResult) -> None:
        """Adds a finished trial, and waits for the disk."""
        append_json_line(self._path, {"digest": digest, **result.as_dict()})
        self._found[digest] = result
