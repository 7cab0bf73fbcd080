"""The page as gradio Blocks: what stands on it, and what each part of it does.

It imports gradio, which takes seconds: bearcat/serving/page/mount.py imports it when the page is mounted.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import gradio

from bearcat.serving.page.handlers import Desk
from bearcat.serving.page.prediction import Read
from bearcat.serving.page.translations import PREFIX

CACHE_SECONDS = 3600  # uploads are deleted after an hour
STATE_SECONDS = 24 * 3600  # and a history, of which gradio keeps those of the last 10,000 visits
# none has to be fetched; the Chinese ones are named, since a Latin system would take any other for them
FONTS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "WenQuanYi Micro Hei",
    "sans-serif",
)
MONOSPACED = ("ui-monospace", "Consolas", "monospace")
QUIETLY = {"show_progress": "hidden", "api_visibility": "private"}
# without a certificate a browser has no navigator.clipboard, hence the older way
COPY = """element.addEventListener('click', event => {
  if (event.target.tagName !== 'BUTTON') return;
  const code = event.target.parentElement.querySelector('code');
  getSelection().selectAllChildren(code);
  if (navigator.clipboard) navigator.clipboard.writeText(code.textContent); else document.execCommand('copy');
  event.target.classList.add('bc-done');
  setTimeout(() => event.target.classList.remove('bc-done'), 1200);
});"""


def make_theme() -> gradio.themes.Base:
    """Return the colours and the fonts of the page."""
    return gradio.themes.Default(
        primary_hue=gradio.themes.colors.teal,
        secondary_hue=gradio.themes.colors.teal,
        neutral_hue=gradio.themes.colors.slate,
        radius_size=gradio.themes.sizes.radius_lg,
        font=FONTS,
        font_mono=MONOSPACED,
    )


def build_page(
    units: Mapping[str, Read], examples: Sequence[Path], modes: Mapping[str, str], logo: str
) -> gradio.Blocks:
    """Return the page over units."""
    desk = Desk(units, modes, examples)
    with gradio.Blocks(title="Bearcat", analytics_enabled=False, delete_cache=(CACHE_SECONDS,) * 2) as page:
        past = gradio.State([], time_to_live=STATE_SECONDS)
        gradio.HTML(f'<header class="bc-head">{logo}<h1>Bearcat</h1></header>')
        gradio.Markdown(say("tagline"), elem_classes="bc-tagline")
        with gradio.Row():
            with gradio.Column(min_width=300):
                image = make_image()
                unit = gradio.Dropdown(list(units), label=say("unit"), visible=False, elem_id="bc-unit")
                prompt = gradio.Textbox(
                    label=say("prompt"), placeholder=say("prompt_hint"), visible=False, elem_id="bc-prompt"
                )
                shelf = make_shelf(image, desk.examples) if desk.examples else None
            with gradio.Column(min_width=300):
                answer = gradio.HTML(elem_id="bc-answer", js_on_load=COPY)
        history = gradio.HTML(elem_id="bc-past")
        asked, told = [image, unit, prompt, past], [answer, history, past]
        page.load(desk.choose_units, unit, [unit, prompt], **QUIETLY)
        unit.change(desk.ask_prompt, unit, prompt, **QUIETLY)
        gradio.on([page.load, image.upload, image.clear, unit.input, prompt.submit], desk.read, asked, told, **QUIETLY)
        if shelf:
            taken = shelf.click(desk.take_example, shelf, image, **QUIETLY)
            taken.then(desk.read, asked, told, **QUIETLY)
    return page


def make_image() -> gradio.Image:
    """Return the place to drop, paste or choose an image."""
    image = gradio.Image(
        type="filepath",
        sources=["upload", "clipboard"],
        label=say("image"),
        height=260,
        buttons=[],
        elem_id="bc-image",
    )
    # gradio would open the file first, with all the formats that Pillow knows, and might encode it again
    image.preprocess = lambda payload: payload.path if payload else None
    return image


def make_shelf(image: gradio.Image, examples: Sequence[Path]) -> gradio.Dataset:
    """Return the images that can be chosen on the page."""
    return gradio.Dataset(
        components=[image],
        samples=[[str(path)] for path in examples],
        type="index",
        layout="gallery",
        label=say("examples"),
        samples_per_page=len(examples),
        elem_id="bc-examples",
    )


def say(word: str) -> object:
    """Return what the browser replaces by a word of WORDS in its language."""
    return gradio.I18n()(PREFIX + word)
