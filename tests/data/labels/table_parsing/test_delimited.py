"""Separators, columns and encodings of tables: what is read, and which line a message names."""

from pathlib import Path

import pytest

from bearcat.core.errors import LabelError
from bearcat.data.labels.tables import read_label_table
from tests.helpers.label_files import put

LABELS = {"1.png": "ab", "2.png": "cd"}
CHINESE = "验证码登录注册牌坊热水袋沙漏珊瑚海苔"


def read(folder: Path, content: str | bytes, name: str = "labels.csv") -> dict[str, str]:
    table = folder / name
    table.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_label_table(table)


@pytest.mark.parametrize("content", [
    "file;label\r\n1.png;ab\r\n2.png;cd\r\n", "1.png;ab\n2.png;cd", "sep=;\r\n1.png;ab\r\n2.png;cd\r\n",
    "1.png\tab\n2.png\tcd\n", "1.png ab\n2.png cd\n", "1.png,ab,,\n2.png,cd,,\n",
    "label,file\nab,1.png\ncd,2.png\n", "ab,1.png\ncd,2.png\n", "ab;1.png\ncd;2.png\n",
    "Filename,Text\n1.png,ab\n2.png,cd\n", "文件名,标签\n1.png,ab\n2.png,cd\n",
    ",filename,text,width\n0,1.png,ab,120\n1,2.png,cd,120\n", "id,label,image\n7,ab,1.png\n8,cd,2.png\n",
    "1.png,'ab\n2.png,'cd\n3.png,'ef\n",
])  # fmt: skip
def test_other_separators_and_columns_are_read(tmp_path: Path, content: str):
    assert {name: label for name, label in read(tmp_path, content).items() if name in LABELS} == LABELS


@pytest.mark.parametrize("name", ["labels.tsv", "labels.txt"])
def test_tsv_and_txt_are_read_with_other_separators(tmp_path: Path, name: str):
    for content in ("1.png;ab\n2.png;cd\n", "1.png,ab\n2.png,cd\n", "1.png\tab\n2.png\tcd\n"):
        assert read(tmp_path, content, name) == LABELS


def test_a_comma_in_every_label_does_not_hide_semicolons(tmp_path: Path):
    assert read(tmp_path, "1.png;3,5\n2.png;4,5\n") == {"1.png": "3,5", "2.png": "4,5"}


def test_a_label_with_a_semicolon_stays_in_a_table_with_commas(tmp_path: Path):
    assert read(tmp_path, "1.png,a;b\n2.png,c;d\n") == {"1.png": "a;b", "2.png": "c;d"}


def test_swapped_columns_without_suffixes_are_told_by_the_images(tmp_path: Path):
    put(tmp_path, "0001.png", "0002.png")
    assert read(tmp_path, "ab,0001\ncd,0002\n") == {"0001": "ab", "0002": "cd"}
    assert read(tmp_path, "0001,0002\n0002,0001\n") == {"0001": "0002", "0002": "0001"}


@pytest.mark.parametrize(("content", "line", "text", "expected"), [
    ("1.png;ab\n2.png\n3.png;cd\n", 2, "2.png", "separated by a semicolon"),
    ("file,label\n1.png,a,b\n", 2, "1.png,a,b", "a label with a comma needs quotes"),
    ("1.png,ab\n2.png,a b,c\n", 2, "2.png,a b,c", "separated by a comma"),
    ("1.png,ab c,d\n", 1, "1.png,ab c,d", "a label with a comma needs quotes"),
    ("1.png,a;b,c\n", 1, "1.png,a;b,c", "a label with a comma needs quotes"),
    ("ab,1.png\ncd,\n,2.png", 2, "cd,", "label and file are expected, in this order"),
    ("x,file,label\n0,1.png,ab\n1,2.png\n", 3, "1,2.png", "in 3 columns separated by a comma"),
    ("file,label,text\n1.png,ab,ab\n", 1, "", "'label' and 'text' could both be meant"),
    ('1.png,ab\n2.png,"a\nb"\n', 2, "", "contains a line break"),
    ('1.png,ab\n2.png,"a\tb"\n', 2, "", "contains a tab"),
    ("1.png,ab\n2.png,a\x01b\n", 2, "", r"contains '\\x01'"),
    ("filename,class,xmin,ymin\n1.png,a,1,2\n", 1, "", "holds boxes"),
])  # fmt: skip
def test_a_message_has_the_line_its_text_and_what_was_expected(
    tmp_path: Path, content: str, line: int, text: str, expected: str
):
    with pytest.raises(LabelError, match=expected) as error:
        read(tmp_path, content)
    assert str(error.value).startswith(f"{tmp_path / 'labels.csv'}, line {line}: ")
    assert not text or str(error.value).endswith(f"got {text!r}")


def test_control_characters_at_the_ends_are_no_part_of_a_label(tmp_path: Path):
    assert read(tmp_path, '1.png,"ab\n"\n2.png,"\tcd"\n') == LABELS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_as_excel_writes_it(tmp_path: Path, encoding: str):
    content = "file\tlabel\r\n1.png\té验\r\n".encode(encoding)
    assert read(tmp_path, content, "labels.txt") == {"1.png": "é验"}


def test_gbk_is_read(tmp_path: Path):
    labels = {f"{number}.png": CHINESE[number : number + 2] for number in range(16)}
    content = "文件名,标签\r\n" + "".join(f"{name},{label}\r\n" for name, label in labels.items())
    assert read(tmp_path, content.encode("gbk")) == labels


@pytest.mark.parametrize(("labels", "encoding"), [
    (["été", "caf\u00e9", "\u00e0\u00e9\u00e8\u00ea", "\u00fc\u00f6"], "cp1252"),
    (["привет", "ОКНО", "ЛУНА", "МОСТ", "РЕКА", "СНЕГ"], "cp1251"),
    (["가나다라", "마바사아", "자차카타", "파하거너", "더러머버"], "cp949"),
    (["ひらがな", "カタカナ", "漢字"], "cp932"),
    (["驗證碼", "登錄註冊", "熱水袋", "沙漏珊瑚", "海苔"], "big5"),
    (["验证"], "gbk"),  # too little to be sure
])  # fmt: skip
def test_encodings_that_could_be_others_are_refused_with_the_line(tmp_path: Path, labels: list[str], encoding: str):
    content = "0.png,ab\n" + "".join(f"{number}.png,{label}\n" for number, label in enumerate(labels, start=1))
    with pytest.raises(LabelError, match=r"is not UTF-8.*line 2 is .*CSV UTF-8"):
        read(tmp_path, content.encode(encoding))


def test_a_damaged_utf_16_table_is_refused(tmp_path: Path):
    with pytest.raises(LabelError, match="is UTF-16 but damaged"):
        read(tmp_path, "1.png,ab".encode("utf-16")[:-1])
