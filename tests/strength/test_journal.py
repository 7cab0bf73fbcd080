"""The results of finished trials survive kills and edits of their file."""

from pathlib import Path

from bearcat.strength.journal import Journal
from bearcat.strength.trials import TrialResult

RESULT = TrialResult(10, 1, 3, 20, 60.5, 100.25)


def test_a_result_is_found_again_under_its_digest(tmp_path: Path):
    path = tmp_path / "strength" / "trials.jsonl"
    assert Journal(path).find("a") is None
    journal = Journal(path)
    journal.add("a", RESULT)
    assert journal.find("a") == RESULT
    assert Journal(path).find("a") == RESULT
    assert Journal(path).find("b") is None


def test_lines_that_are_no_results_are_left_out(tmp_path: Path):
    path = tmp_path / "trials.jsonl"
    Journal(path).add("a", RESULT)
    whole = path.read_text()
    path.write_text(f'{whole}{{"digest": "b"}}\n[1]\n{whole.replace("20", chr(34) + "20" + chr(34))}{whole[:30]}')
    Journal(path).add("c", RESULT)
    journal = Journal(path)
    assert [journal.find(digest) for digest in "abc"] == [RESULT, None, RESULT]
