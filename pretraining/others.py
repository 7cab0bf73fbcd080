"""Third-party generators for the pretrained weights: captcha, which the toolkit requires, and wheezy.captcha."""

import random

import captcha.image
import wheezy.captcha.image as wheezy
from PIL import Image

from bearcat.generation.generate import seeded_secrets


def draw_captcha(text: str, fonts: list, rng: random.Random) -> Image.Image:
    """Draws a text with the captcha package, in its own fonts or others."""
    height = rng.randint(40, 80)
    width = round(height * rng.uniform(1.4, 4.0))
    own = rng.random() < 0.4
    files = None if own else [str(path) for path in rng.sample(fonts, 2)]
    sizes = tuple(round(height * fraction) for fraction in ((0.7, 0.83, 0.93) if own else (0.6, 0.75)))
    with seeded_secrets(captcha.image, str(rng.getrandbits(64))):
        return captcha.image.ImageCaptcha(width, height, files, sizes).generate_image(text)


def draw_wheezy(text: str, fonts: list, rng: random.Random) -> Image.Image:
    """Draws a text with a random pipeline of wheezy.captcha."""
    random.seed(rng.getrandbits(64))  # its source of randomness
    height = rng.randint(40, 80)
    width = round(height * rng.uniform(0.45, 0.7) * len(text)) + 20
    sizes = tuple(round(height * fraction) for fraction in (0.55, 0.7, 0.85))
    parts = [wheezy.warp(), wheezy.rotate(rng.choice((5, 15, 25))), wheezy.offset()]
    files = [str(path) for path in rng.sample(fonts, 2)]

    def ink() -> str:
        return "#{:02x}{:02x}{:02x}".format(*(rng.randrange(30, 160) for _ in range(3)))

    drawings = [
        wheezy.background("#{0:02x}{0:02x}{1:02x}".format(rng.randrange(225, 256), rng.randrange(190, 256))),
        wheezy.text(files, sizes, rng.sample(parts, rng.randint(1, 3)), ink, rng.uniform(0.7, 1.0)),
        wheezy.curve(ink(), rng.randint(1, 4)),
        wheezy.noise(rng.randint(0, 80), ink()),
        wheezy.smooth(),
    ]
    return wheezy.captcha(drawings[:2] + rng.sample(drawings[2:], rng.randint(0, 3)), width, height)(text)
