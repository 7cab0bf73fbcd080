"""Zeros that are written back into tables: what changes, what stays, and the backup."""

import json
from pathlib import Path

import pytest

from bearcat.core.errors import LabelError
from bearcat.data.labels.fixed_zeros import apply_zero_fix, plan_zero_fixes
from bearcat.data.labels.tables import read_label_table
from tests.helpers.label_files import put

LABELS = {f"{number:02}.png": str(1000 + number) for number in range(20)} | {"20.png": "42", "21.png": "7"}
FIXED = LABELS | {"20.png": "0042", "21.png": "0007"}


def write(folder: Path, labels: dict[str, str], form: str = "{},{}\n", head: str = "", encoding: str = "utf-8") -> Path:
    put(folder, *labels)
    text = head + "".join(form.format(*row) for row in labels.items())
    (folder / "labels.csv").write_bytes(text.encode(encoding))
    return folder / "labels.csv"


@pytest.mark.parametrize(("form", "head", "encoding"), [
    ("{},{}\n", "", "utf-8"), ("{};{}\r\n", "sep=;\r\nfile;label\r\n", "utf-8"), ("{}\t{}\r\n", "", "utf-16"),
    ("{1},{0}\n", "\ufefflabel,file\n", "utf-8"), ("7,{},{},note\n", "id,file,label,extra\n", "utf-8"),
])  # fmt: skip
def test_zeros_are_written_into_tables_of_any_form(tmp_path: Path, form: str, head: str, encoding: str):
    table = write(tmp_path, LABELS, form, head, encoding)
    before = table.read_bytes()
    (fix,) = plan_zero_fixes([tmp_path, tmp_path / "absent"])
    assert fix.labels == {"20.png": "0042", "21.png": "0007"}
    assert table.read_bytes() == before
    backup = apply_zero_fix(fix)
    assert backup.read_bytes() == before
    assert read_label_table(table) == FIXED
    assert table.read_bytes() == write(tmp_path / "expected", FIXED, form, head, encoding).read_bytes()
    assert plan_zero_fixes([tmp_path]) == []


def test_a_backup_is_never_overwritten(tmp_path: Path):
    table = write(tmp_path, LABELS)
    (tmp_path / "labels.csv.bak").write_text("precious")
    (fix,) = plan_zero_fixes([tmp_path])
    assert apply_zero_fix(fix) == tmp_path / "labels.csv.bak2"
    assert (tmp_path / "labels.csv.bak").read_text() == "precious"
    assert read_label_table(table) == FIXED


def test_labels_of_all_sets_are_judged_together(tmp_path: Path):
    few = {"20.png": "42"}
    write(tmp_path / "train", LABELS)
    table = write(tmp_path / "test", few)
    assert plan_zero_fixes([tmp_path / "test"]) == []
    fix = plan_zero_fixes([tmp_path / "train", tmp_path / "test"])[1]
    apply_zero_fix(fix)
    assert read_label_table(table) == {"20.png": "0042"}


def test_tables_that_have_changed_or_have_no_lines_stay_as_they_are(tmp_path: Path):
    table = write(tmp_path / "a", LABELS)
    (fix,) = plan_zero_fixes([tmp_path / "a"])
    table.write_text("20.png,0042\n")
    with pytest.raises(LabelError, match="changed by another program"):
        apply_zero_fix(fix)
    put(tmp_path / "b", *LABELS)
    (tmp_path / "b" / "labels.json").write_text(json.dumps(LABELS))
    with pytest.raises(LabelError, match=r"write a labels\.csv"):
        plan_zero_fixes([tmp_path / "b"])
    assert sorted(path.name for path in tmp_path.rglob("labels*")) == ["labels.csv", "labels.json"]
