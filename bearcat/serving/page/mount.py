"""Mounts the gradio page, with access to nothing but what the page itself needs."""

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from bearcat.serving.page.prediction import Predict
from bearcat.serving.page.translations import TRANSLATIONS
from bearcat.serving.protocol import error_response

UPLOAD_VARIABLE = "GRADIO_TEMP_DIR"
STYLE, LOGO = (Path(__file__).parent / "static" / name for name in ("page.css", "page.svg"))
# paths of gradio that the page and gradio's own client use; not, among others, /proxy= and /file=http…, which fetch
# from other hosts, and the list of runs
ALLOWED_PATHS = re.compile(
    r"/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|pwa_icon|(static|assets)/.*"
    r"|gradio_api/((info|startup-events|app_id|theme\.css|upload|upload_progress|reset|cancel|queue/(join|data))"
    r"|heartbeat/.*|file=(?!https?:).*))?/?"
)


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
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
    _make_upload_folder()
    import gradio

    from bearcat.serving.page.layout import build_page, make_theme

    page = build_page(models, examples, modes, LOGO.read_text(encoding="utf-8"))
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
        favicon_path=str(LOGO),
    )
    # gradio checks file paths only if this is set, and a mounted page does not set it: any file could be read.
    # Paths that are not marked as files escape that check even so, hence Handlers.check_upload
    page.has_launched = True
    mount = mounted.router.routes[-1]
    mount.app = AllowList(mount.app)
    return mounted


def _make_upload_folder() -> None:
    """Creates a private upload folder, which is deleted when the process ends.

    All users of a machine would share gradio's own folder, and the second one could not write into it.
    """
    if not os.environ.get(UPLOAD_VARIABLE):
        os.environ[UPLOAD_VARIABLE] = tempfile.mkdtemp(prefix="bearcat-page-")
        atexit.register(shutil.rmtree, os.environ[UPLOAD_VARIABLE], ignore_errors=True)


class AllowList:
    """Passes requests for ALLOWED_PATHS to gradio and answers 404 to all others."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "/")
        app = self.app if ALLOWED_PATHS.fullmatch(path) else error_response(404, f"not found: {path[:80]!a}")
        await app(scope, receive, send)
