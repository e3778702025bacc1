"""What every request passes: counting, headers, origin, session, deep links, sizes, compression. Plain ASGI."""

import re
import secrets
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.core.settings import Settings
from studio.ui.events import SESSION

LOOPBACK = ("127.0.0.1", "localhost", "::1")
FRAMERS = "https://huggingface.co https://*.hf.space"
JSON_BYTES = 2_000_000  # largest body of a REST call that is no upload
TASK_BYTES = 100_000_000  # largest body of a task: a picture, a sound or a video, in base64 perhaps
EVENT_BYTES = 20_000_000  # largest body of a page's event; files travel by upload
ENVELOPE_BYTES = 500_000  # what stands around the file in an upload's body
TOKEN = re.compile(r"[0-9a-f]{32}")


def stack(settings: Settings, pages: Sequence[str], head: str) -> list[Middleware]:
    """The middleware in order, outermost first.

    `pages` are the routes that `/?page=` may name, `head` is what goes into every page's <head>.
    """
    return [
        Middleware(SecurityHeaders, on_space=settings.on_space),
        Middleware(OriginGuard, settings=settings),
        Middleware(BodyLimit, upload_bytes=settings.max_upload_mb * 10**6 + ENVELOPE_BYTES),
        Middleware(DeepLinks, pages=pages),
        Middleware(Session, on_space=settings.on_space),
        Middleware(Compression),
        Middleware(PageHead, head=head),
    ]


class SecurityHeaders:
    """Headers that keep a page from being framed, sniffed, or made to talk to other hosts."""

    def __init__(self, app: ASGIApp, on_space: bool) -> None:
        # Gradio writes its configuration as an inline script and compiles gr.HTML's templates: both must be let in.
        # What keeps foreign script out is that every value is escaped.
        foreign = " https://cdnjs.cloudflare.com" if on_space else ""  # the frame resizer that Gradio loads on a Space
        self.app = app
        self.policy = "; ".join(
            (
                "default-src 'self'",
                f"script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:{foreign}",
                "style-src 'self' 'unsafe-inline'",
                "img-src 'self' data: blob: https://huggingface.co https://*.hf.co",
                "media-src 'self' data: blob:",
                "font-src 'self' data:",
                "connect-src 'self' data: blob:",
                "worker-src 'self' blob:",
                "object-src 'none'",
                "base-uri 'self'",
                f"frame-ancestors 'self' {FRAMERS}",
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
                headers.setdefault("Permissions-Policy", "camera=(self), microphone=(self), geolocation=()")
                headers.setdefault("Content-Security-Policy", self.policy)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class OriginGuard:
    """Refuses calls from foreign pages, foreign host names on a loopback address, and Gradio's remote file proxy."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.allowed = {origin.rstrip("/") for origin in settings.allowed_origins}
        # bound to loopback, another name can only come from a page that had its own name point here (DNS rebinding)
        self.loopback = settings.host in LOOPBACK and not settings.on_space

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] in ("http", "websocket") and (reason := self._refusal(scope)):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await PlainTextResponse(reason, 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin", "")
        own_names = {urlsplit(allowed).hostname for allowed in self.allowed}
        if self.loopback and (name := urlsplit(f"//{host}").hostname) not in LOOPBACK and name not in own_names:
            return f"This studio answers on this machine only, not as {host!r}; see STUDIO_ALLOWED_ORIGINS."
        if origin and origin not in self.allowed and urlsplit(origin).netloc != host:
            return f"Calls from {origin!r} are refused. STUDIO_ALLOWED_ORIGINS can allow more origins."
        if re.match(r"/gradio_api/file=[a-z][a-z0-9+.-]*:/", scope["path"], re.IGNORECASE):
            return "Fetching files from other hosts is switched off."
        return ""


class Session:
    """Gives every browser an unguessable id: who a signed-out visitor of a public studio is."""

    def __init__(self, app: ASGIApp, on_space: bool) -> None:
        self.app = app
        # a Space is shown in a frame of huggingface.co: a third-party cookie there, kept per embedding site
        self.attributes = "SameSite=None; Secure; Partitioned" if on_space else "SameSite=Lax"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        known = _cookie(Headers(scope=scope).get("cookie", ""))
        scope[SESSION] = known or secrets.token_hex(16)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and not known and _is_page(scope):
                value = f"{SESSION}={scope[SESSION]}; Path=/; Max-Age=31536000; HttpOnly; {self.attributes}"
                MutableHeaders(scope=message).append("Set-Cookie", value)
            await send(message)

        await self.app(scope, receive, send_with_cookie)


class DeepLinks:
    """`/?page=jobs&id=…` goes to `/jobs?id=…`: inside huggingface.co only the query of the start page can be linked."""

    def __init__(self, app: ASGIApp, pages: Sequence[str]) -> None:
        self.app = app
        self.pages = frozenset(page for page in pages if page)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope["path"] == "/" and b"page=" in scope["query_string"]:
            query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            page = dict(query).get("page", "")
            if page in self.pages:
                rest = urlencode([(key, value) for key, value in query if key != "page"])
                await RedirectResponse(f"/{page}?{rest}" if rest else f"/{page}", 307)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class BodyLimit:
    """Refuses bodies that are larger than what their route can use, before they are read where their size is stated.

    A page's upload may take `upload_bytes`; `/api/datasets` counts for itself.
    """

    def __init__(self, app: ASGIApp, upload_bytes: int) -> None:
        self.app = app
        self.upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        limit = self._limit(scope)
        if limit is None:
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length) > limit:
            await _too_large(limit)(scope, receive, send)
            return
        received = 0
        answered = False

        async def receive_counted() -> Message:
            nonlocal received, answered
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit and not answered:
                answered = True
                await _too_large(limit)(scope, receive, send)
                return {"type": "http.disconnect"}
            return message

        async def send_once(message: Message) -> None:
            if not answered:
                await send(message)

        try:
            await self.app(scope, receive_counted, send_once)
        except ClientDisconnect:  # what our answer looks like to whoever was reading the body
            if not answered:
                raise

    def _limit(self, scope: Scope) -> int | None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return None
        path = scope["path"]
        if path.startswith("/api/"):
            if path.startswith("/api/tasks/"):
                return TASK_BYTES
            return None if path == "/api/datasets" else JSON_BYTES
        return self.upload_bytes if path.startswith("/gradio_api/upload") else EVENT_BYTES


class Compression:
    """gzip for pages and JSON. Assets are left to Gradio's Brotli, streams are never held back."""

    def __init__(self, app: ASGIApp) -> None:
        self.plain = app
        self.compressed = GZipMiddleware(app, minimum_size=1024, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        asset = scope["type"] != "http" or "." in scope["path"].rsplit("/", 1)[-1]
        await (self.plain if asset else self.compressed)(scope, receive, send)


class PageHead:
    """Writes our tags into the <head> of Gradio's pages.

    `launch(head=…)` adds them by script, after the page has been drawn once without any style.
    """

    def __init__(self, app: ASGIApp, head: str) -> None:
        self.app = app
        self.head = b"<head>" + head.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["method"] != "GET" or "." in scope["path"]:
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def send_with_head(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                if Headers(raw=message["headers"]).get("content-type", "").startswith("text/html"):
                    start = message
                else:
                    await send(message)
                return
            if start is None or message["type"] != "http.response.body":
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body", False):
                body = body.replace(b"<head>", self.head, 1)
                MutableHeaders(scope=start)["Content-Length"] = str(len(body))
                await send(start)
                await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, send_with_head)


def _cookie(header: str) -> str:
    """The session id that a browser sent; anything that we did not make ourselves counts as none."""
    try:
        morsel = SimpleCookie(header).get(SESSION)
    except CookieError:
        return ""
    return morsel.value if morsel is not None and TOKEN.fullmatch(morsel.value) else ""


def _is_page(scope: Scope) -> bool:
    """Whether a new id may be handed out: on pages and REST, never on assets that caches keep."""
    return not scope["path"].startswith(("/studio-static", "/assets", "/static", "/svelte", "/favicon", "/theme"))


def _too_large(limit: int) -> Response:
    return JSONResponse({"error": f"The body is larger than {limit // 10**6} MB.", "problems": []}, 413)
