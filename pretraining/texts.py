"""Texts for the pretrained weights: strings over several alphabets, and sums."""

import random
import string

LETTERS_AND_DIGITS = string.digits + string.ascii_lowercase + string.ascii_uppercase
SIGNS = "+-=?*/x×÷"
# alphabet → weight
ALPHABETS = {
    string.digits: 3,
    string.ascii_lowercase: 2,
    string.ascii_uppercase: 2,
    string.digits + string.ascii_lowercase: 4,
    string.digits + string.ascii_uppercase: 3,
    LETTERS_AND_DIGITS: 5,
}
SUMS = 0.12  # fraction of the texts
LENGTHS = {3: 1, 4: 5, 5: 4, 6: 4, 7: 2, 8: 1}  # number of characters → weight
CHARACTERS = "".join(dict.fromkeys(LETTERS_AND_DIGITS + SIGNS))


def choose_text(rng: random.Random) -> str:
    """Chooses 3 to 8 characters of one alphabet, or a sum such as 3+14=?."""
    if rng.random() < SUMS:
        return choose_sum(rng)
    (alphabet,) = rng.choices(list(ALPHABETS), list(ALPHABETS.values()))
    (length,) = rng.choices(list(LENGTHS), list(LENGTHS.values()))
    return "".join(rng.choices(alphabet, k=length))


def choose_sum(rng: random.Random) -> str:
    """Chooses two numbers, an operator, and an ending such as =?."""
    numbers = [str(rng.randint(0, rng.choice((9, 9, 99)))) for _ in range(2)]
    return rng.choice("++--xx**×/÷").join(numbers) + rng.choice(("", "=", "=?", "=?", "?"))
