"""Which host names and web pages may use a service, and the security headers of all its answers.

Without this a page of another site could have its visitor's browser send requests (cross-site request forgery), or
reach this machine under a host name of its own and read the answers (DNS rebinding).
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping

from starlette.datastructures import Headers
from starlette.types import Message, Scope, Send

LOOPBACK = re.compile(r"127(\.\d+){3}|localhost|::1")  # hosts that other machines cannot reach
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:/@\s]+)(:\d{1,5})?", re.IGNORECASE)
IPV4 = re.compile(r"\d+(\.\d+){3}", re.ASCII)
OWN_SITE = ("same-origin", "none")  # Sec-Fetch-Site of a request by the page itself, or of a typed address
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
POLICY = "Content-Security-Policy"
STRICT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
# gradio's page has scripts and styles within its HTML, compiles some, and shows images as data: and blob:
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    POLICY: STRICT_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class OriginCheck:
    """Refuses requests under a foreign host name, and writing requests of other sites' pages.

    On a loopback address without a token only loopback names are accepted as Host. Otherwise every name is: other
    machines use names that cannot be known here, and browsers do not send the token's cookie to another name.

    A request that is not a browser's is recognised by its lack of Sec-Fetch-Site and Origin and accepted, as in Go's
    net/http.CrossOriginProtection.

    Args:
        host: Address that the app is served on.
        has_token: Whether the app asks for a token.
        only_own_page: Whether to refuse also reading requests of other sites, except for links to the page, and
            writing requests without an Origin.
    """

    def __init__(self, host: str, has_token: bool, only_own_page: bool = False):
        self._host = host
        self._any_host = has_token or not LOOPBACK.fullmatch(host)
        self._only_own_page = only_own_page

    def refusal(self, scope: Scope) -> str:
        """Returns why a request is refused, '' if it is allowed."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        name = HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if not name or not _is_valid(name[1]) or not self._accepts_host(name[1].strip("[]").lower()):
            received = ", ".join(hosts)[:80]
            return f"Host is {received!a}, which this service is not served under: use the address that app.py printed"
        sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
        is_own_site = all(site.lower() in OWN_SITE for site in sites)
        is_own_origin = all(origin in (f"http://{hosts[0]}", f"https://{hosts[0]}") for origin in origins)
        if self._only_own_page:
            if not is_own_site and not _is_navigation(scope, headers):
                return "the request comes from another site"
            if scope["method"] not in SAFE_METHODS and not (origins and is_own_origin):
                return "the request does not come from this page"
        elif scope["method"] not in SAFE_METHODS and not (is_own_site if sites else is_own_origin):
            return "the request comes from a page of another site"
        return ""

    def _accepts_host(self, name: str) -> bool:
        return self._any_host or bool(LOOPBACK.fullmatch(name)) or name == self._host


def _is_valid(name: str) -> bool:
    """Whether a host name is no address, or a valid one: gradio fails on one like 127.000.0.1."""
    if not name.startswith("[") and not IPV4.fullmatch(name):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _is_navigation(scope: Scope, headers: Headers) -> bool:
    """Whether a person followed a link to the page."""
    return scope["method"] == "GET" and scope["path"] == "/" and headers.get("sec-fetch-dest") == "document"


def raw_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Returns headers as ASGI messages have them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def with_headers(send: Send, headers: Iterable[tuple[bytes, bytes]]) -> Send:
    """Returns a send function that adds those headers to a response which it does not have yet."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", ()))
            names = {name.lower() for name, _ in own}
            message = {**message, "headers": [*own, *(header for header in headers if header[0] not in names)]}
        await send(message)

    return send_with_headers
