"""Step 11: serve the trained units: a page for people and an API for programs, on port 5006.

Reads:  App_model
Writes: nothing
Next:   python spider_example.py, or open http://127.0.0.1:5006
"""

import errno
import socket

import uvicorn

from bearcat.command_line import SERVICE_PORT, make_parser, open_step, run, tell
from bearcat.errors import ServiceError
from bearcat.page import mount_page
from bearcat.service import make_app
from utils import Predict_Image


def main() -> None:
    """Load the units, take the port, and serve until Ctrl-C."""
    parser = make_parser(__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, default=SERVICE_PORT, help=f"({SERVICE_PORT})")
    parser.add_argument("--no-page", action="store_true", help="the API alone, without the gradio page")
    step = open_step(parser)
    arguments = step.arguments
    units = Predict_Image.all_units(step.work.folder("App_model"))
    listener = listen(arguments.host, arguments.port)
    app = make_app({name: unit.api for name, unit in units.items()})
    if not arguments.no_page:
        mount_page(app, {name: unit.predict for name, unit in units.items()})
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    tell(f"Serving {', '.join(units)} on http://{host}:{listener.getsockname()[1]}  (Ctrl-C stops)")
    if arguments.host not in ("127.0.0.1", "localhost", "::1"):
        tell("Warning: other machines can use this service, and it asks nobody who they are.")
    step.next("python spider_example.py", "in another terminal: ask it")
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address; raise ServiceError where that is not to be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        in_use = getattr(error, "errno", None) in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", None))
        reason = "another program has it: stop that, or choose another with --port" if in_use else str(error)
        raise ServiceError(f"cannot listen on {host}:{port}: {reason}") from None


if __name__ == "__main__":
    run(main)
