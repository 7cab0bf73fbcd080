"""The gradio page: drop a picture, see the text and how sure each character is."""

import os
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI

from bearcat.errors import ImageError
from bearcat.label_codecs import Reading

CACHE_SECONDS = 3600  # uploads are deleted after an hour

Read = Callable[[Path], Reading]


def mount_page(app: FastAPI, units: dict[str, Read]) -> FastAPI:
    """Add the page at / to the service; it asks nothing of any other machine."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # gradio reads it when it is imported
    import gradio

    page = build_page(gradio, units)
    mounted = gradio.mount_gradio_app(app, page, path="/")
    # a mounted page skips gradio's check of file paths, and any file of the machine could be read, unless this is set;
    # a path sent without gradio's mark of a file is not checked even so, hence the check in read()
    page.has_launched = True
    return mounted


def build_page(gradio, units: dict[str, Read]):
    """Return the page as gradio Blocks."""
    names = list(units)
    uploads = Path(gradio.utils.get_upload_folder()).resolve()

    def read(file: str | None, name: str):
        if not file or not Path(file).resolve().is_relative_to(uploads):
            raise gradio.Error("Choose a picture first.")
        try:
            reading = units[name](Path(file))
        except ImageError as error:
            raise gradio.Error(str(error).replace(file, "the picture")) from None
        characters = [[part, f"{share:.1%}"] for part, share in reading.parts]
        return reading.text, f"{reading.confidence:.1%}", characters

    with gradio.Blocks(title="Bearcat", analytics_enabled=False, delete_cache=(CACHE_SECONDS,) * 2) as page:
        gradio.Markdown("# Bearcat\nDrop, paste or choose a captcha of the kind this unit was trained on.")
        with gradio.Row():
            # filepath and no image mode: the picture arrives as it was sent, not encoded again
            image = gradio.Image(type="filepath", image_mode=None, sources=["upload", "clipboard"], label="Picture")
            with gradio.Column():
                unit = gradio.Dropdown(names, value=names[0], label="Unit", visible=len(names) > 1)
                text = gradio.Textbox(label="Read")
                confidence = gradio.Textbox(label="Confidence")
                characters = gradio.Dataframe(headers=["character", "confidence"], label="Characters")
        image.upload(read, [image, unit], [text, confidence, characters], api_name="predict")
        gradio.Button("Read").click(read, [image, unit], [text, confidence, characters], api_name=False)
    return page
