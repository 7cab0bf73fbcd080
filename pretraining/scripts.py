"""Writing systems other than Latin, from which the pretrained weights learn strokes that ASCII does not have.

A row of the head is trained for each of ALL_CHARACTERS. Glyphs that look the same in two scripts share one: ALIASES
says which. Only characters that are drawn by themselves are used, so that no image depends on a layout engine.
Two cores are enough for four scripts. Give others a weight if there is a GPU.
"""

from typing import NamedTuple

from pretraining.texts import CHARACTERS

PERSIAN_DIGITS, ARABIC_DIGITS = "۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩"
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"
HEBREW = "אבגדהוזחטיכלמנסעפצקרשתךםןףץ"
DEVANAGARI_DIGITS, DEVANAGARI = "०१२३४५६७८९", "अआइईउऊएऐओकखगघचछजझटठडढतथदधनपफबभमयरलवशषसह"
BENGALI_DIGITS, BENGALI = "০১২৩৪৫৬৭৮৯", "অআইঈউঊঋএঐওঔকখগঘঙচছজঝঞটঠডঢণতথদধনপফবভমযরলশষসহ"
THAI_DIGITS, THAI = "๐๑๒๓๔๕๖๗๘๙", "กขคฆงจฉชซญฎฐฑฒณดตถทธนบปผฝพฟภมยรลวศสหฬอฮ"
CYRILLIC_CAPITALS, CYRILLIC = "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ", "абвгдежзийклмнопрстуфхцчшщъыьэюя"
GREEK_CAPITALS, GREEK = "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", "αβγδεζηθικλμνξοπρςστυφχψω"
HIRAGANA = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"
KATAKANA = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"
HANGUL = "가나다라마바사아자차카타파하거너더러머버서어저허고노도로모보소오조호구누두루무부수우주배국한글"
HAN_NUMBERS = "零一二三四五六七八九十百千万加减乘除等于"
HAN = (
    "的是不我有大在人了中到要可以这个你会好为上来学就也用能如时文说没他看那问生提下过请们天所多么小想得之还"
    "出都对自后子而知心年国新面手开地样本明当月水火木金土日王山石田目白马鱼鸟花草风云雨东西南北左右红黄青书车门"
)


class Script(NamedTuple):
    """A writing system.

    Args:
        weight: How often it is drawn; 0 for never.
        alphabets: Sets of characters; a text is made of one of them.
    """

    weight: int
    alphabets: tuple[str, ...]

    @property
    def characters(self) -> str:
        """All characters, which a font must have."""
        return "".join(dict.fromkeys("".join(self.alphabets)))


SCRIPTS = {
    "Persian digits": Script(7, (PERSIAN_DIGITS,)),
    "Arabic digits": Script(3, (ARABIC_DIGITS,)),
    "Arabic": Script(0, (ARABIC,)),
    "Bengali": Script(8, (BENGALI, BENGALI_DIGITS, BENGALI + BENGALI_DIGITS)),
    "Devanagari": Script(0, (DEVANAGARI, DEVANAGARI_DIGITS, DEVANAGARI + DEVANAGARI_DIGITS)),
    "Thai": Script(0, (THAI, THAI_DIGITS, THAI + THAI_DIGITS)),
    "Hebrew": Script(0, (HEBREW,)),
    "Cyrillic": Script(3, (CYRILLIC_CAPITALS, CYRILLIC, CYRILLIC_CAPITALS + "0123456789", CYRILLIC + "0123456789")),
    "Greek": Script(0, (GREEK_CAPITALS, GREEK)),
    "kana": Script(0, (HIRAGANA, KATAKANA, HIRAGANA + KATAKANA)),
    "Hangul": Script(0, (HANGUL,)),
    "Han": Script(0, (HAN_NUMBERS, HAN, HAN_NUMBERS + HAN)),
}

TAUGHT = {name: script for name, script in SCRIPTS.items() if script.weight}
_DRAWN = "".join(script.characters for script in TAUGHT.values())
_LOOK_ALIKES = zip(
    "٠١٢٣٧٨٩" + "АВЕЗКМНОРСТУХаеорсух" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονΓΠΦ" + "ニハヘリ",
    "۰۱۲۳۷۸۹" + "ABE3KMHOPCTYXaeopcyx" + "ABEZHIKMNOPTYXovГПФ" + "二八へり",
    strict=True,
)
# character → the one that looks the same and stands for both in training
ALIASES = {character: other for character, other in _LOOK_ALIKES if character in _DRAWN}
ALL_CHARACTERS = "".join(dict.fromkeys(CHARACTERS + "".join(ALIASES.get(one, one) for one in _DRAWN)))


def target_of(text: str) -> str:
    """A text as training expects it, with one character for all that look the same."""
    return "".join(ALIASES.get(character, character) for character in text)
