"""The gradio page: drop an image, see what was read and how sure each part of it is."""

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from bearcat.serving.page.prediction import Read
from bearcat.serving.page.translations import TRANSLATIONS
from bearcat.serving.protocol import failure

TEMPORARY = "GRADIO_TEMP_DIR"
STYLE, LOGO = (Path(__file__).parent / "static" / name for name in ("page.css", "page.svg"))


def mount_page(
    app: FastAPI,
    units: Mapping[str, Read],
    examples: Sequence[Path] = (),
    modes: Mapping[str, str] = MappingProxyType({}),
) -> FastAPI:
    """Add the page at / to the service; it asks nothing of any other machine.

    `units` and `modes` (unit → MODE: those that find boxes are also told what to click) may change while the page is
    served. `examples` are images that can be chosen on it.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # gradio reads it when it is imported
    keep_uploads_apart()
    import gradio

    from bearcat.serving.page.layout import build_page, make_theme

    page = build_page(units, examples, modes, LOGO.read_text(encoding="utf-8"))
    mounted = gradio.mount_gradio_app(
        app,
        page,
        path="/",
        footer_links=[],
        run_history=False,  # it would keep images in the browser, and offers to send them to Hugging Face
        ssr_mode=False,
        mcp_server=False,
        show_error=False,
        i18n=gradio.I18n(**TRANSLATIONS),
        theme=make_theme(),
        css_paths=[STYLE],
        favicon_path=str(LOGO),
    )
    # a mounted page skips gradio's check of file paths, and any file of the machine could be read, unless this is set;
    # a path sent without gradio's mark of a file is not checked even so, hence the check in build_page
    page.has_launched = True
    mount = mounted.router.routes[-1]
    mount.app = Fence(mount.app)
    return mounted


def keep_uploads_apart() -> None:
    """Let uploads go to a folder of this process that only its user can open, and that goes when it ends.

    gradio's own folder is one for all users of a machine: the second of them could not write into it.
    """
    if not os.environ.get(TEMPORARY):
        os.environ[TEMPORARY] = tempfile.mkdtemp(prefix="bearcat-page-")
        atexit.register(shutil.rmtree, os.environ[TEMPORARY], ignore_errors=True)


# ---- merged from page_fence: What of gradio can be reached from outside: only what the page and gradio's own client ask for.


# left out are, among others, /proxy= and /file=http…, which fetch from other machines, and the list of runs
OPEN = re.compile(
    r"/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|pwa_icon|(static|assets)/.*"
    r"|gradio_api/((info|startup-events|app_id|theme\.css|upload|upload_progress|reset|cancel|queue/(join|data))"
    r"|heartbeat/.*|file=(?!https?:).*))?/?"
)


class Fence:
    """Lets through to gradio what is open, and answers all else as what isn't there."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "/")
        app = self.app if OPEN.fullmatch(path) else failure(404, f"there is nothing at {path[:80]!a}")
        await app(scope, receive, send)
