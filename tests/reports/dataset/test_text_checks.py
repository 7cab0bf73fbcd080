"""Checks of texts: unusual lengths and characters, lost zeros, look-alikes of other scripts, blanks, repetition."""

from pathlib import Path

from bearcat.data.labels.reading import LabelledImage
from bearcat.modes import Task
from bearcat.reports.dataset.checks import Finding
from bearcat.reports.dataset.label_checks import check_labels
from tests.reports.dataset.test_label_checks import check, draw, kinds


def only(findings: list[Finding], kind: str) -> Finding:
    (finding,) = [finding for finding in findings if finding.kind == kind]
    return finding


def test_the_odd_length_is_listed_with_its_file():
    finding = only(check([*draw(60), "abc"]), "odd_length")
    assert finding.level == "warning"
    assert "1 label with 3 characters; the others have 4" in finding.text
    assert finding.files == ("train_dataset/abc_0060.png: 'abc'",)


def test_a_rare_length_among_several_is_a_note():
    finding = only(check([*draw(300, lengths=(4, 5)), "abcdefg"]), "odd_length")
    assert finding.level == "note"
    assert finding.files == ("train_dataset/abcdefg_0300.png: 'abcdefg'",)


def test_labels_that_lost_zeros_are_not_listed_again():
    labels = [str(int(text)) for text in draw(200, "0123456789")]
    assert min(map(len, labels)) < 4
    assert "odd_length" not in kinds(check(labels))
    assert "odd_length" in kinds(check([*draw(200, "0123456789"), "123"]))  # others begin with 0: this one is mistyped


def test_a_character_that_hardly_any_label_has_is_listed():
    finding = only(check([*draw(100, "0123456789"), "12l4"]), "rare_characters")
    assert "'l' (1)" in finding.text
    assert finding.files == ("train_dataset/12l4_0100.png: '12l4'",)


def test_rare_letters_of_a_language_are_no_finding():
    text = "it is a truth universally acknowledged that a single man in possession of a good fortune must be in want of"
    words = (text + " a wife however little known the feelings or views of such a man may be quiz jazz").split() * 30
    assert "rare_characters" not in kinds(check(words))


def test_look_alikes_in_a_minority_are_listed_by_kind():
    twins = str.maketrans("acepx0123", "асерх０１２３")
    texts = draw(100, "acepx0123456")
    labels = [text if n % 5 else text.translate(twins) for n, text in enumerate(texts)]
    findings = [finding for finding in check(labels) if finding.kind == "twins"]
    assert {finding.text.partition(" with ")[2].split()[0] for finding in findings} == {"full-width", "Cyrillic"}
    assert all(10 <= len(finding.files) <= 20 for finding in findings)


def test_blanks_in_a_minority_are_a_warning():
    texts = draw(40)
    assert len(only(check([f"{t[:2]} {t[2:]}" if n % 5 == 0 else t for n, t in enumerate(texts)]), "blanks").files) == 8
    assert "blanks" not in kinds(check([f"{t[:2]} {t[2:]}" for t in texts]))


def sets_of(train: list[str], test: list[str]) -> dict[str, list[LabelledImage]]:
    return {
        name: [LabelledImage(Path(f"/own/{name}_dataset/{text}_{n}.png"), text) for n, text in enumerate(texts)]
        for name, texts in (("train", train), ("test", test))
    }


def test_a_pool_of_texts_in_two_sets_is_a_leak_with_what_chance_would_give():
    pool = draw(30)
    finding = only(check_labels(sets_of(pool * 7, pool), Task.TEXT), "text_leak")
    assert finding.level == "warning"
    assert "30 of 30 images in test_dataset (by chance under 1%)" in finding.text
    assert "keeps the images of a text together" in finding.todo
    assert "NUM_CLASSES" in finding.todo
    assert len(finding.files) == 30


def test_a_pool_without_a_leak_is_a_note():
    pool = draw(30)
    findings = check_labels(sets_of(pool[:24] * 8, pool[24:] * 8), Task.TEXT)
    assert kinds(findings) == ["few_texts"]
    assert "240 images show only 30 different texts; if the labels are the names of classes" in findings[0].text


def test_classes_may_repeat():
    names = ["circle", "square", "triangle"] * 20
    assert check_labels(sets_of(names, names), Task.CLASSIFICATION) == []
