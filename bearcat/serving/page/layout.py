"""The page as gradio Blocks: its components and their events.

gradio takes seconds to import: bearcat/serving/page/mount.py imports this module when the page is mounted.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import gradio

from bearcat.serving.page import gradio_patches
from bearcat.serving.page.handlers import Handlers
from bearcat.serving.page.prediction import Predict
from bearcat.serving.page.translations import PREFIX
from bearcat.serving.page.uploads import UPLOAD_SECONDS

HISTORY_SECONDS = 24 * 3600  # for which the history of a visit is kept, unless too many others follow
MAX_QUEUED = 64  # events of the page that wait, of all visits
# system fonts, so that nothing is downloaded; Chinese ones are named, or a Latin system would take an arbitrary one
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
MONOSPACE_FONTS = ("ui-monospace", "Consolas", "monospace")
INTERNAL = {"show_progress": "hidden", "api_visibility": "private"}
# navigator.clipboard exists only over HTTPS and on localhost, hence execCommand
COPY_SCRIPT = """element.addEventListener('click', event => {
  if (event.target.tagName !== 'BUTTON') return;
  const code = event.target.parentElement.querySelector('code');
  getSelection().selectAllChildren(code);
  if (navigator.clipboard) navigator.clipboard.writeText(code.textContent); else document.execCommand('copy');
  event.target.classList.add('bc-done');
  setTimeout(() => event.target.classList.remove('bc-done'), 1200);
});"""


def make_theme() -> gradio.themes.Base:
    """Returns the colours and fonts of the page."""
    return gradio.themes.Default(
        primary_hue=gradio.themes.colors.teal,
        secondary_hue=gradio.themes.colors.teal,
        neutral_hue=gradio.themes.colors.slate,
        radius_size=gradio.themes.sizes.radius_lg,
        font=FONTS,
        font_mono=MONOSPACE_FONTS,
    )


def build_page(
    models: Mapping[str, Predict], examples: Sequence[Path], modes: Mapping[str, str], logo: str
) -> gradio.Blocks:
    """Returns the page.

    Args:
        models: Model name → function from an image file to a prediction.
        examples: Images to choose from.
        modes: Model name → MODE.
        logo: An SVG element.
    """
    handlers = Handlers(models, modes, examples)
    with gradio.Blocks(title="Bearcat", analytics_enabled=False, delete_cache=(UPLOAD_SECONDS,) * 2) as page:
        history = gradio.State([], time_to_live=HISTORY_SECONDS)
        gradio.HTML(f'<header class="bc-head">{logo}<h1>Bearcat</h1></header>')
        gradio.Markdown(_text("tagline"), elem_classes="bc-tagline")
        with gradio.Row():
            with gradio.Column(min_width=300):
                image = _image_input()
                model = gradio.Dropdown(list(models), label=_text("model"), visible=False, elem_id="bc-model")
                prompt = gradio.Textbox(
                    label=_text("prompt"), placeholder=_text("prompt_hint"), visible=False, elem_id="bc-prompt"
                )
                gallery = _example_gallery(image, handlers.examples) if handlers.examples else None
            with gradio.Column(min_width=300):
                answer = gradio.HTML(elem_id="bc-answer", js_on_load=COPY_SCRIPT)
        history_view = gradio.HTML(elem_id="bc-history")
        inputs, outputs = [image, model, prompt, history], [answer, history_view, history]
        page.load(handlers.list_models, model, [model, prompt], **INTERNAL)
        model.change(handlers.show_prompt, model, prompt, **INTERNAL)
        events = [page.load, image.upload, image.clear, model.input, prompt.submit]
        gradio.on(events, handlers.predict, inputs, outputs, **INTERNAL)
        if gallery:
            chosen = gallery.click(handlers.choose_example, gallery, image, **INTERNAL)
            chosen.then(handlers.predict, inputs, outputs, **INTERNAL)
    return page.queue(max_size=MAX_QUEUED)


def _image_input() -> gradio.Image:
    image = gradio.Image(
        type="filepath",
        sources=["upload", "clipboard"],
        label=_text("image"),
        height=260,
        buttons=[],
        elem_id="bc-image",
    )
    gradio_patches.pass_file_unread(image)
    return image


def _example_gallery(image: gradio.Image, examples: Sequence[Path]) -> gradio.Dataset:
    return gradio.Dataset(
        components=[image],
        samples=[[str(path)] for path in examples],
        type="index",
        layout="gallery",
        label=_text("examples"),
        samples_per_page=len(examples),
        elem_id="bc-examples",
    )


def _text(key: str) -> object:
    """Returns a placeholder that the browser replaces by a text of TEXTS in its language."""
    return gradio.I18n()(PREFIX + key)
