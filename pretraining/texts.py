"""What the base recogniser learns to read: texts of many alphabets, and sums."""

import random
import string

LETTERS_AND_DIGITS = string.digits + string.ascii_lowercase + string.ascii_uppercase
SIGNS = "+-=?*/x×÷"
# alphabet → how often it is drawn from
ALPHABETS = {
    string.digits: 3,
    string.ascii_lowercase: 2,
    string.ascii_uppercase: 2,
    string.digits + string.ascii_lowercase: 4,
    string.digits + string.ascii_uppercase: 3,
    LETTERS_AND_DIGITS: 5,
}
SUMS = 0.12  # share of the texts
LENGTHS = {3: 1, 4: 5, 5: 4, 6: 4, 7: 2, 8: 1}  # characters → how often
CHARACTERS = "".join(dict.fromkeys(LETTERS_AND_DIGITS + SIGNS))


def choose_text(source: random.Random) -> str:
    """Return 3 to 8 characters of one alphabet, or a sum such as 3+14=?."""
    if source.random() < SUMS:
        return choose_sum(source)
    (alphabet,) = source.choices(list(ALPHABETS), ALPHABETS.values())
    (length,) = source.choices(list(LENGTHS), LENGTHS.values())
    return "".join(source.choices(alphabet, k=length))


def choose_sum(source: random.Random) -> str:
    """Return two numbers with a sign between them, and what often stands behind."""
    numbers = [str(source.randint(0, source.choice((9, 9, 99)))) for _ in range(2)]
    return source.choice("++--xx**×/÷").join(numbers) + source.choice(("", "=", "=?", "=?", "?"))
