"""Tables of labels: separators, headers, malformed lines, and changed lines."""

from pathlib import Path

import pytest

from bearcat.core.errors import LabelError
from bearcat.data.labels.reading import (
    read_labels,
)
from bearcat.data.labels.tables import find_label_table, read_label_table, set_label
from tests.helpers.label_files import labels_in, put


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.csv", "file,label\n1.png,a/b\n2.png,*?\n"),
        ("labels.csv", "1.png,a/b\n2.png,*?\n"),
        ("labels.csv", "File, Label\r\n1.png,a/b\r\n\r\n2.png,*?\r\n"),
        ("labels.csv", "\ufefffile,label\n1.png,a/b\n2.png,*?"),
        ("labels.csv", "\ufeff1.png,a/b\n2.png,*?\n"),
        ("labels.tsv", "file\tlabel\n1.png\ta/b\n2.png\t*?\n"),
        ("labels.tsv", "1.png\ta/b\n2.png\t*?\n"),
        ("labels.txt", "1.png\ta/b\n2.png\t*?\n"),
        ("labels.txt", "file,label\r\n1.png, a/b\r\n2.png, *?\r\n"),
        ("labels.txt", "\ufeff\n  1.png   a/b\n\n2.png *?"),
        ("labels.txt", "file label\r\n1.png a/b\r\n2.png\t*?\r\n"),
    ],
)
def test_a_table_is_read_with_and_without_header_and_bom(tmp_path: Path, name: str, content: str):
    put(tmp_path, "1.png", "2.png")
    (tmp_path / name).write_bytes(content.encode())
    assert find_label_table(tmp_path) == tmp_path / name
    assert labels_in(tmp_path) == {"1.png": "a/b", "2.png": "*?"}
    assert read_labels(tmp_path)[1] == []


def test_commas_are_quoted_in_csv_and_not_in_tsv(tmp_path: Path):
    for folder in (tmp_path / "csv", tmp_path / "tsv"):
        put(folder, "a,1.png", "2.png")
    (tmp_path / "csv" / "labels.csv").write_text('"a,1.png","1,5"\n2.png,"say ""hi"""\n')
    (tmp_path / "tsv" / "labels.tsv").write_text("a,1.png\t1,5\n2.png\tb\n")
    assert labels_in(tmp_path / "csv") == {"a,1.png": "1,5", "2.png": 'say "hi"'}
    assert labels_in(tmp_path / "tsv") == {"a,1.png": "1,5", "2.png": "b"}


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("a 1.png\tx, y\nb.png\tz w", {"a 1.png": "x, y", "b.png": "z w"}),
        ('a 1.png,"x, y"\nb.png,z w', {"a 1.png": "x, y", "b.png": "z w"}),
        ("a.png x\"y\nb.png 'z", {"a.png": 'x"y', "b.png": "'z"}),
    ],
)
def test_the_first_line_of_labels_txt_decides_the_separator(tmp_path: Path, text: str, labels: dict[str, str]):
    (tmp_path / "labels.txt").write_text(text)
    assert read_label_table(tmp_path / "labels.txt") == labels


def test_a_label_with_spaces_is_refused_if_spaces_are_the_separator(tmp_path: Path):
    (tmp_path / "labels.txt").write_text("a.png x\nb.png y z\n")
    with pytest.raises(LabelError, match=r"labels\.txt, line 2"):
        read_label_table(tmp_path / "labels.txt")


@pytest.mark.parametrize("line", ["1.png", "1.png,a,b", "1.png,", ",a"])
def test_a_malformed_line_is_refused_with_its_number(tmp_path: Path, line: str):
    put(tmp_path, "1.png")
    (tmp_path / "labels.csv").write_text(f"file,label\n0.png,x\n{line}\n2.png,y\n")
    with pytest.raises(LabelError, match="line 3") as error:
        read_labels(tmp_path)
    assert str(tmp_path / "labels.csv") in str(error.value)


def test_only_the_first_line_can_be_a_header(tmp_path: Path):
    (tmp_path / "labels.csv").write_text("file.png,a\nfile,label\n")
    assert read_label_table(tmp_path / "labels.csv") == {"file.png": "a", "file": "label"}


def test_a_line_is_replaced_or_deleted_and_all_others_stay(tmp_path: Path):
    table = tmp_path / "labels.csv"
    table.write_bytes(b"file,label\na.png,x\nb.png,y\n")
    set_label(table, "a.png", "z/1")
    assert table.read_bytes() == b"file,label\nb.png,y\na.png,z/1\n"
    set_label(table, "a.png", None)
    set_label(table, "none.png", None)
    assert table.read_bytes() == b"file,label\nb.png,y\n"
    table.write_bytes(b'file,label\n"a\nb.png",y\n')
    with pytest.raises(LabelError, match="spans several lines"):
        set_label(table, 'b.png"', "q")
    assert table.read_bytes() == b'file,label\n"a\nb.png",y\n'


@pytest.mark.parametrize(
    ("name", "content", "line", "encoding"),
    [
        ("labels.csv", "file;label\r\nimages\\a.png;x\r\n", "new.png;z,1\r\n", "utf-8"),
        ("labels.csv", "\ufeffsep=;\na.png;x", "\nnew.png;z,1\n", "utf-8"),
        ("labels.csv", "label,file\nx,a.png\n", '"z,1",new.png\n', "utf-8"),
        ("labels.csv", "a,'01\nb,'02\nc,'03\n", 'new.png,"z,1"\n', "utf-8"),
        ("labels.txt", "\ufefffile\tlabel\r\na.png\tx\r\n", "new.png\tz,1\r\n", "utf-16-le"),
        ("gt.txt", 'a.png, "x"\n', 'new.png,"z,1"\n', "utf-8"),
        ("Labels.CSV", "a.png,x\n", 'new.png,"z,1"\n', "utf-8"),
    ],
)
def test_a_line_is_added_in_the_form_of_the_table(tmp_path: Path, name: str, content: str, line: str, encoding: str):
    table = tmp_path / name
    table.write_bytes(content.encode(encoding))
    before = read_label_table(table)
    set_label(table, "new.png", "z,1")
    assert table.read_bytes() == (content + line).encode(encoding)
    assert read_label_table(table) == before | {"new.png": "z,1"}
    set_label(table, "new.png", None)
    assert read_label_table(table) == before
    assert table.read_bytes().rstrip(b"\r\n\0") == content.encode(encoding).rstrip(b"\r\n\0")


@pytest.mark.parametrize(
    ("name", "content", "label", "message"),
    [
        ("labels.json", b'{"a.png": "x"}', "y", "no table of two columns"),
        ("metadata.csv", b"file_name,text,w\na.png,x,1\n", "y", "no table of two columns"),
        ("labels.csv", b"a,'01\nb,'02\nc,'03\n", "'04", "cannot hold the label"),
        (
            "labels.csv",
            "".join(f"{n}.png,验证码登录注册牌坊热水袋沙漏\n" for n in range(3)).encode("gbk"),
            "é",
            "cannot hold",
        ),
    ],
)
def test_a_table_that_cannot_take_a_line_is_unchanged(
    tmp_path: Path, name: str, content: bytes, label: str, message: str
):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LabelError, match=message):
        set_label(tmp_path / name, "new.png", label)
    assert (tmp_path / name).read_bytes() == content


def test_two_labels_of_an_image_are_named_with_both_lines(tmp_path: Path):
    (tmp_path / "labels.csv").write_text("a.png,x\nb.png,y\na.png,x\na.png,z\n")
    with pytest.raises(LabelError, match=r"line 4: a\.png has the label 'x' already \(line 1\), got 'z'"):
        read_label_table(tmp_path / "labels.csv")
