"""The text of labels: without invisible characters, split into symbols, and searched for look-alikes.

Visible characters are never changed: full-width forms and the letters of other scripts stay, even if they look like
Latin ones (`twins` finds them), as do combining marks and visible format characters, such as the Arabic end of ayah.
Joiners (U+200C, U+200D) stay if they change how the text is drawn: next to an Indic virama, between joining letters as
in Persian, and inside an emoji.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import regex

from bearcat.core.errors import LabelError

# letters that fill the place of a missing one: drawn as a blank
_FILLERS = "\u3164\uffa0"
_BLANKS = regex.compile(rf"[\p{{Zs}}{_FILLERS}]")
# control and invisible format characters; joiners and the tags of emoji flags have rules of their own
_INVISIBLE = regex.compile(
    r"[\p{Cc}\uFFF9-\uFFFB[\p{Default_Ignorable_Code_Point}&&\p{Cf}]--[\u200C\u200D\U000E0020-\U000E007F]]",
    regex.VERSION1,
)
_STRAY_TAGS = regex.compile(r"(?<!\U0001F3F4[\U000E0020-\U000E007E]*)[\U000E0020-\U000E007F]")
# a variation selector changes emoji, ideographs and Mongolian letters, but not Latin ones; 1 U+FE0F U+20E3 is a keycap
_STRAY_SELECTORS = regex.compile(
    r"(?<=^|[\p{Latin}\p{Cyrillic}\p{Greek}0-9])[\p{Default_Ignorable_Code_Point}&&\p{Mn}](?!\u20E3)", regex.VERSION1
)
_REPEATED_JOINERS = regex.compile(r"(?<=[\u200C\u200D])[\u200C\u200D]+")
# as in RFC 5892, appendix A, and in emoji sequences; Bengali also has joiners before the virama
_MEANINGFUL_JOINER = (
    r"(?<=\p{ccc=9})[\u200C\u200D]",
    r"[\u200C\u200D](?=\p{ccc=9})",
    r"(?<=[\p{jt=D}\p{jt=L}]\p{jt=T}*)\u200C(?=\p{jt=T}*[\p{jt=D}\p{jt=R}])",
    r"(?<=\p{Extended_Pictographic}[\p{Mn}\p{Emoji_Modifier}]*)\u200D(?=\p{Extended_Pictographic})",
)
_STRAY_JOINERS = regex.compile(rf"(?:{'|'.join(_MEANINGFUL_JOINER)})(*SKIP)(*FAIL)|[\u200C\u200D]")
_REMOVED = (_INVISIBLE, _STRAY_TAGS, _STRAY_SELECTORS, _REPEATED_JOINERS, _STRAY_JOINERS)
_GRAPHEME = regex.compile(r"\X")
_LINE_BREAK_OR_TAB = regex.compile(r"[\t-\r\x1C-\x1E\x85\u2028\u2029]")

FULL_WIDTH, CYRILLIC, GREEK, LATIN = "full-width", "Cyrillic", "Greek", "Latin"
_LOOK_ALIKES = {
    CYRILLIC: ("АВЕЅІЈКМНОРСТУХԌԚԜаеѕіјорсухѵһԁԛԝ", "ABESIJKMHOPCTYXGQWaesijopcyxvhdqw"),
    GREEK: ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαινρυχγϲϳ", "ABEZHIKMNOPTYXoaivpuxycj"),
}
_SCRIPTS = {
    CYRILLIC: regex.compile(r"\p{Cyrillic}"),
    GREEK: regex.compile(r"[\p{Greek}&&\p{L}]", regex.VERSION1),
    LATIN: regex.compile(r"[A-Za-z]"),
}


def clean_label(text: str) -> str:
    """Returns a label without invisible characters; a cleaned label is returned unchanged.

    It is in Unicode's form NFC, without blanks and line breaks at its ends, zero-width, control and format characters.
    Blanks in the middle are U+0020. It may be empty.

    Raises:
        LabelError: There is a line break or a tab in the middle of the label.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    while (cleaned := _clean_once(text)) != text:
        text = cleaned
    return text


def _clean_once(text: str) -> str:
    text = _BLANKS.sub(" ", text).strip()
    found = _LINE_BREAK_OR_TAB.search(text)
    if found:
        what = "a tab" if found.group() == "\t" else "a line break"
        raise LabelError(f"the label {text[:80]!r} contains {what}: an image's label is one line of text without tabs")
    for pattern in _REMOVED:
        text = pattern.sub("", text)
    return unicodedata.normalize("NFC", text)


def fold_case(label: str) -> str:
    """Returns a label in lower case, as IGNORE_CASE asks for: one symbol for each letter, `ß` stays."""
    return unicodedata.normalize("NFC", "".join(one.lower() if len(one.lower()) == 1 else one for one in label))


def have_both_cases(labels: Iterable[str]) -> bool:
    """Whether labels have both upper-case and lower-case letters: if not, they say nothing about case."""
    letters = set().union(*labels)
    return any(map(str.isupper, letters)) and any(map(str.islower, letters))


def split_graphemes(text: str) -> tuple[str, ...]:
    """Splits a text into what a reader takes for single characters, each with its combining marks."""
    return tuple(text) if text.isascii() else tuple(_GRAPHEME.findall(text))


def name_character(character: str) -> str:
    """Returns the code point and name of a character: U+200B ZERO WIDTH SPACE."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '(no name)')}"


def describe_cleaning(written: str) -> list[str]:
    """Describes what `clean_label` changes in a label: 'blanks at the ends', 'U+200B ZERO WIDTH SPACE'.

    Raises:
        LabelError: As `clean_label`.
    """
    cleaned = clean_label(written)
    inside = written.strip()
    lost = Counter(unicodedata.normalize("NFC", inside)) - Counter(cleaned)
    changes = ["blanks at the ends"] if inside != written else []
    changes += [name_character(character) for character in sorted(lost)]
    return changes or ["Unicode form"] * (cleaned != written)


@dataclass(frozen=True)
class Twin:
    """A character that looks like another one, from a kind that few labels use.

    Args:
        character: The character.
        looks_like: The character that most labels have in its place.
        kind: FULL_WIDTH, CYRILLIC, GREEK, or LATIN (among Cyrillic or Greek labels).
        labels: Number of labels that contain it.
    """

    character: str
    looks_like: str
    kind: str
    labels: int


def twins(labels: Iterable[str]) -> list[Twin]:
    """Finds the characters that were probably typed in place of others that look alike.

    These are full-width forms of Latin letters, digits and `+-=`, if more labels have plain ones; and the letters of a
    script that look like those of another, if more labels use the other script and no label has a letter that only
    the first script has.

    Args:
        labels: The labels as written; those of a whole set together.

    Returns:
        The characters, by kind and code point.
    """
    counts = Counter(labels)
    characters: Counter[str] = Counter()
    for label, count in counts.items():
        characters.update(dict.fromkeys(label, count))
    found = []
    for kind, looks_like in _candidates(characters):
        with_twin = sum(count for label, count in counts.items() if not looks_like.keys().isdisjoint(label))
        if with_twin < sum(count for label, count in counts.items() if _is_counterpart(label, kind, looks_like)):
            found += [Twin(one, looks_like[one], kind, characters[one]) for one in sorted(looks_like)]
    return found


def _candidates(characters: Iterable[str]) -> list[tuple[str, dict[str, str]]]:
    """Returns, for each kind whose characters all look like others, (kind, character → what it looks like)."""
    characters = set(characters)
    if all(map(str.isascii, characters)):
        return []
    wide = {one: _plain(one) for one in characters if _plain(one)}
    kinds = [(FULL_WIDTH, wide)] if wide else []
    used = {name: {one for one in characters if script.match(one)} for name, script in _SCRIPTS.items()}
    for script, (ours, latin) in _LOOK_ALIKES.items():
        for kind, looks_like in ((script, dict(zip(ours, latin, strict=True))), (LATIN, _reverse(ours, latin))):
            others = used[LATIN if kind == script else script]
            if used[kind] and used[kind] <= looks_like.keys() and (kind == script or others):
                kinds.append((kind, {one: looks_like[one] for one in used[kind]}))
    return kinds


def _reverse(ours: str, latin: str) -> dict[str, str]:
    return dict(zip(latin, ours, strict=True))


def _plain(character: str) -> str:
    """Returns the ASCII letter, digit or sign of a full-width form; '' for any other character."""
    if unicodedata.east_asian_width(character) != "F":
        return ""
    plain = unicodedata.normalize("NFKC", character)
    return plain if plain.isascii() and (plain.isalnum() or plain in "+-=") else ""


def _is_counterpart(label: str, kind: str, looks_like: dict[str, str]) -> bool:
    """Whether a label has none of the look-alikes, but characters of the kind that they look like."""
    if not looks_like.keys().isdisjoint(label):
        return False
    if kind == LATIN:
        return any(_SCRIPTS[CYRILLIC].match(one) or _SCRIPTS[GREEK].match(one) for one in label)
    return any(one.isascii() and one.isalnum() for one in label)
