"""Mounts the gradio page, with access to nothing but what the page itself needs."""

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

from fastapi import FastAPI
from starlette.applications import Starlette

from bearcat.serving.page.prediction import Predict
from bearcat.serving.page.request_filter import RequestFilter
from bearcat.serving.page.translations import TEXTS_OF_STATUS, TRANSLATIONS
from bearcat.serving.page.uploads import UploadFolder

UPLOAD_VARIABLE = "GRADIO_TEMP_DIR"
STATIC = Path(__file__).parent / "static"
STYLE, LOGO, REFUSALS = (STATIC / name for name in ("page.css", "page.svg", "refusals.js"))
UPLOAD_PREFIX = "bearcat-page-"
# read when gradio is imported or a page is made: nothing is sent to gradio's makers, and no statistics are kept
GRADIO_SETTINGS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9),
}


def mount_page(
    app: FastAPI | Starlette,
    models: Mapping[str, Predict],
    examples: Sequence[Path] = (),
    modes: Mapping[str, str] = MappingProxyType({}),
) -> FastAPI:
    """Mounts the page at / of an app; it loads nothing from other hosts.

    Args:
        app: The app to add it to.
        models: Model name → function from an image file to a prediction; it may change while the page is served.
        examples: Images to choose from on the page.
        modes: Model name → MODE; models that find objects can be given a prompt.

    Returns:
        The same app.
    """
    os.environ.update(GRADIO_SETTINGS)
    folder = _make_upload_folder()
    import gradio

    from bearcat.serving.page import gradio_patches
    from bearcat.serving.page.layout import build_page, make_theme

    page = build_page(models, examples, modes, LOGO.read_text(encoding="utf-8"))
    gradio_patches.patch(page)
    mounted = gradio.mount_gradio_app(
        app,
        page,
        path="/",
        footer_links=[],
        run_history=False,  # it would keep images in the browser and offer to send them to Hugging Face
        ssr_mode=False,
        mcp_server=False,
        show_error=False,
        i18n=gradio.I18n(**TRANSLATIONS),
        theme=make_theme(),
        css_paths=[STYLE],
        head=_refusal_script(),
        favicon_path=str(LOGO),
    )
    gradio_patches.check_paths(page)
    mount = mounted.router.routes[-1]
    mount.app = RequestFilter(
        mount.app,
        UploadFolder(folder),
        events=gradio_patches.event_numbers(page),
        is_known=partial(gradio_patches.is_known, page),
        is_busy=partial(gradio_patches.is_busy, page),
    )
    return mounted


def _refusal_script() -> str:
    """Returns the script that shows why a request was refused, with its texts."""
    script = REFUSALS.read_text(encoding="utf-8").replace("TEXTS", json.dumps(TEXTS_OF_STATUS), 1)
    return f"<script>{script}</script>"


def _make_upload_folder() -> Path:
    """Creates a private upload folder, which is deleted when the process ends.

    All users of a machine would share gradio's own folder, and the second one could not write into it. A folder of
    our own may be tidied up.
    """
    folder = Path(os.environ.get(UPLOAD_VARIABLE, ""))
    if not folder.name.startswith(UPLOAD_PREFIX) or not folder.is_dir():
        folder = Path(tempfile.mkdtemp(prefix=UPLOAD_PREFIX, dir=os.environ.get(UPLOAD_VARIABLE) or None)).resolve()
        os.environ[UPLOAD_VARIABLE] = str(folder)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
