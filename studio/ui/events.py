"""The border between a page and the studio: who asks, and what a visitor sees when something goes wrong."""

import functools
import inspect
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, ParamSpec, TypeVar

import gradio as gr
from gradio.context import Context, LocalContext
from pydantic import SecretStr
from starlette.requests import HTTPConnection

from studio.core.errors import SignInRequired, StudioError, UserError
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.service import Studio

P = ParamSpec("P")
R = TypeVar("R")

SESSION = "studio_session"  # cookie, and the scope key under which the middleware leaves its value
LOCAL = Caller("local", "You", admin=True)

log = logging.getLogger(__name__)


def caller_of(request: gr.Request | HTTPConnection | None, studio: Studio) -> Caller:
    """Who sent a request: a page's event, REST or a stream.

    On one's own machine everybody is the operator. In public mode it is the signed-in Hub account, else the
    browser session of the middleware's cookie. Raises `SignInRequired` when there is neither.
    """
    return caller(request, studio.settings)


def caller_now(studio: Studio) -> Caller:
    """Who sent the event that is being handled; for validators and other code without a request at hand."""
    return caller_of(LocalContext.request.get(None), studio)


def caller(request: gr.Request | HTTPConnection | None, settings: Settings) -> Caller:
    """As `caller_of`, for who has the settings only."""
    if not settings.public:
        return LOCAL
    connection = request.request if isinstance(request, gr.Request) else request
    if connection is None:
        raise SignInRequired("This page has lost its session; load it again.")
    account = signed_in(connection)
    if account is not None:
        name = str(account["userinfo"]["preferred_username"])
        return Caller(f"hf:{name}", name, admin=name in settings.admins, token=SecretStr(str(account["access_token"])))
    session = connection.scope.get(SESSION)
    if not session:
        raise SignInRequired("Your browser sent no session cookie. Allow cookies for this page, or sign in to the Hub.")
    return Caller(f"session:{session}", "Guest")


def signed_in(connection: HTTPConnection) -> Mapping[str, Any] | None:
    """What Gradio's OAuth routes left in the signed session cookie, if it is whole and has not expired."""
    if "session" not in connection.scope:  # no OAuth in this installation
        return None
    from gradio.oauth import _get_valid_oauth_info_from_session

    found = _get_valid_oauth_info_from_session(connection.session)
    return (
        found if found and found.get("access_token") and found.get("userinfo", {}).get("preferred_username") else None
    )


def oauth_available() -> bool:
    """Whether visitors can sign in: on a Space with `hf_oauth: true`, nowhere else."""
    return os.environ.get("SYSTEM") == "spaces" and bool(os.environ.get("OAUTH_CLIENT_ID"))


def guarded(fn: Callable[P, R]) -> Callable[P, R]:
    """An event handler whose failures reach the visitor as one readable sentence, and the log with an id.

    Everything a visitor can mend is shown as it is; a bug is shown as an id that stands in the log too.
    """
    if inspect.isgeneratorfunction(fn):

        @functools.wraps(fn)
        def stream(*args: P.args, **kwargs: P.kwargs) -> Any:
            yield from bordered(fn(*args, **kwargs), _toast)

        return stream

    @functools.wraps(fn)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return next(bordered((fn(*args, **kwargs) for _ in range(1)), _toast))

    return call


def bordered(parts: Iterator[R], tell: Callable[[Exception], R]) -> Iterator[R]:
    """What an event shows part by part; where it fails, the last is what `tell` makes of that. The page's one border.

    Whoever stops reading stops `parts` too.
    """
    try:
        yield from parts
    except Exception as error:  # noqa: BLE001  the border
        yield tell(error)


def _toast(error: Exception) -> NoReturn:
    raise shown(error) from None


def shown(error: Exception) -> gr.Error:
    """The toast for an error; what is nobody's input error is logged with its traceback and an id."""
    if isinstance(error, gr.Error):
        return error
    if isinstance(error, UserError):
        return gr.Error(_lines(str(error)), title="Please check", duration=10, print_exception=False)
    if isinstance(error, StudioError):
        log.warning("%s: %s", type(error).__name__, error)
        return gr.Error(_lines(str(error)), title="That did not work", duration=10, print_exception=False)
    number = secrets.token_hex(4)
    log.error("unexpected error %s", number, exc_info=error)
    return gr.Error(f"Something went wrong (id {number}).", title="Error", duration=10, print_exception=False)


def _lines(message: str) -> str:
    """A toast renders HTML: escape, and keep the lines."""
    from studio.ui.parts import text

    return text(message).replace("\n", "<br>")


def on_load(fn: Callable[..., Any] | None, inputs: Any = None, outputs: Any = None, js: str | None = None) -> Any:
    """Run `fn` (or `js`, in the browser) when the page that is being built is opened.

    `value=<callable>` would attach the event to the wrong page of a multi-page app.
    """
    blocks = Context.root_block
    if not isinstance(blocks, gr.Blocks):
        raise RuntimeError("pages are built inside a Blocks context")
    return blocks.load(fn, inputs, outputs, js=js, api_visibility="private", show_progress="hidden")
