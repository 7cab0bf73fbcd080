"""What is said of label tables, and that nothing is said of tables without a fault."""

from pathlib import Path

import pytest

from bearcat.data.labels.reading import read_labels
from bearcat.data.labels.table_facts import TableFact, table_facts
from tests.helpers.label_files import put


def facts(*folders: Path) -> dict[str, TableFact]:
    found = table_facts({folder: read_labels(folder)[0] for folder in folders})
    assert len({fact.kind for fact in found}) == len(found)
    return {fact.kind: fact for fact in found}


@pytest.fixture
def sets(tmp_path: Path) -> tuple[Path, Path]:
    """A training and a test set of ten images each, and one table in both."""
    train, test = tmp_path / "train_dataset", tmp_path / "test_dataset"
    put(train, *(f"{number:02}.png" for number in range(10)))
    put(test, *(f"{number:02}.png" for number in range(10, 20)))
    write(train, test, *(f"{number:02}.png,{1000 + 37 * number}" for number in range(20)))
    return train, test


def write(train: Path, test: Path, *lines: str) -> None:
    for folder in (train, test):
        (folder / "labels.csv").write_text("\n".join(("pic,result", *lines)) + "\n")


def test_nothing_is_said_of_tables_that_were_copied_by_a_split(sets: tuple[Path, Path]):
    assert facts(*sets) == {}


def test_lines_that_name_no_image_of_any_set_are_counted(sets: tuple[Path, Path]):
    fact = facts(sets[0])["rows_without_image"]
    assert not fact.is_warning
    assert fact.text == "10 lines of labels.csv name no image, or could mean several"
    assert fact.files[0] == "train_dataset/labels.csv, line 12: 10.png"
    (sets[1] / "19.png").unlink()
    assert facts(*sets)["rows_without_image"].text.startswith("1 line of")


def test_lost_zeros_and_dates_are_reported_with_their_lines(sets: tuple[Path, Path]):
    labels = [str(1000 + 37 * number) for number in range(20)]
    labels[3], labels[15], labels[16] = "42", "7", "02-Jan"
    labels = [label if label == "02-Jan" else label.rjust(6, "5") if len(label) == 4 else label for label in labels]
    write(*sets, *(f"{number:02}.png,{label}" for number, label in enumerate(labels)))
    found = facts(*sets)
    assert found["lost_zeros"].is_warning and "--fix-zeros" in found["lost_zeros"].todo
    assert found["lost_zeros"].files == (
        "train_dataset/03.png (labels.csv, line 5): 42 instead of 000042?",
        "test_dataset/15.png (labels.csv, line 17): 7 instead of 000007?",
    )
    assert found["spreadsheet"].text.startswith("1 label is a date")
    assert found["spreadsheet"].files == ("test_dataset/16.png (labels.csv, line 18): 02-Jan",)


def test_zeros_lost_in_file_names_are_not_for_fix_zeros(tmp_path: Path):
    put(tmp_path / "train_dataset", *(f"{1000 + number}_x.png" for number in range(20)), "42_x.png")
    fact = facts(tmp_path / "train_dataset")["lost_zeros"]
    assert fact.files == ("train_dataset/42_x.png: 42 instead of 0042?",)
    assert "--fix-zeros" not in fact.todo and "rename the files" in fact.todo


def test_tables_not_read_and_gbk_are_named(tmp_path: Path):
    folder, characters = tmp_path / "train_dataset", "验证码登录注册牌坊热水袋沙漏珊瑚海苔"
    names = [f"{number}.png" for number in range(16)]
    put(folder, *names)
    content = "".join(f"{name},{characters[number : number + 2]}\n" for number, name in enumerate(names))
    (folder / "labels.csv").write_bytes(content.encode("gbk"))
    (folder / "gt.txt").write_text("x.png ab")
    found = facts(folder)
    assert "was read as GBK: 验证, 证码, 码登" in found["table_encoding"].text
    assert found["unread_table"].text == "train_dataset/gt.txt is not read as a label table: labels.csv counts"
    assert not found["unread_table"].is_warning
    (folder / "labels.csv").rename(folder / "answers.csv")
    (folder / "gt.txt").unlink()
    put(folder, *(f"a_{name}" for name in names[:4]))
    found = facts(folder)
    assert found["unread_table"].is_warning and found["unread_table"].todo.endswith("rename it to labels.csv")


@pytest.mark.parametrize(
    ("content", "is_warning"), [("cat\ndog\n", False), ("1.png cat extra\n", True), ("0 cat", False)]
)
def test_a_list_of_classes_is_no_reason_to_warn(tmp_path: Path, content: str, is_warning: bool):
    put(tmp_path / "train_dataset", "cat/1.png", "dog/2.png")
    (tmp_path / "train_dataset" / "label.txt").write_text(content)
    assert facts(tmp_path / "train_dataset")["unread_table"].is_warning == is_warning
