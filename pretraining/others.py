"""The generators of others that the base recogniser learns from beside our own: captcha, wheezy.captcha.

pip install wheezy.captcha; captcha is there anyway.
"""

import random

import captcha.image
import wheezy.captcha.image as wheezy
from PIL import Image

from bearcat.generation.generate import seeded_secrets


def draw_captcha(text: str, fonts: list, source: random.Random) -> Image.Image:
    """Return an image by the captcha package, with its own fonts or others."""
    height = source.randint(40, 80)
    width = round(height * source.uniform(1.4, 4.0))
    own = source.random() < 0.4
    files = None if own else [str(path) for path in source.sample(fonts, 2)]
    sizes = tuple(round(height * share) for share in ((0.7, 0.83, 0.93) if own else (0.6, 0.75)))
    with seeded_secrets(captcha.image, str(source.getrandbits(64))):
        return captcha.image.ImageCaptcha(width, height, files, sizes).generate_image(text)


def draw_wheezy(text: str, fonts: list, source: random.Random) -> Image.Image:
    """Return an image by wheezy.captcha, its parts put together by chance."""
    random.seed(source.getrandbits(64))  # it draws its chances from there
    height = source.randint(40, 80)
    width = round(height * source.uniform(0.45, 0.7) * len(text)) + 20
    sizes = tuple(round(height * share) for share in (0.55, 0.7, 0.85))
    parts = [wheezy.warp(), wheezy.rotate(source.choice((5, 15, 25))), wheezy.offset()]
    files = [str(path) for path in source.sample(fonts, 2)]

    def ink() -> str:
        return "#{:02x}{:02x}{:02x}".format(*(source.randrange(30, 160) for _ in range(3)))

    drawings = [
        wheezy.background("#{0:02x}{0:02x}{1:02x}".format(source.randrange(225, 256), source.randrange(190, 256))),
        wheezy.text(files, sizes, source.sample(parts, source.randint(1, 3)), ink, source.uniform(0.7, 1.0)),
        wheezy.curve(ink(), source.randint(1, 4)),
        wheezy.noise(source.randint(0, 80), ink()),
        wheezy.smooth(),
    ]
    return wheezy.captcha(drawings[:2] + source.sample(drawings[2:], source.randint(0, 3)), width, height)(text)
