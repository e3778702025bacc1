"""The studio's own stylesheet, script, pictures and fonts under /studio-static/; nothing else of the assets folder."""

from fastapi import FastAPI
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from studio.core.settings import ASSETS
from studio.ui.shell import STATIC

FILES = frozenset(
    {
        "studio.css",
        "studio.js",
        "playground.js",
        "questions.js",
        "datasets.js",
        "annotate.js",
        "logo.svg",
        "favicon.png",
    }
)
YEAR, WEEK, HOUR = 31_536_000, 604_800, 3600


class Assets(StaticFiles):
    """Named files only; an address with a version may be kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or 404 for whatever is not meant to be public."""
        if path not in FILES and not path.startswith("fonts/"):
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        versioned = "v" in QueryParams(scope["query_string"])
        age = (
            f"public, max-age={YEAR}, immutable"
            if versioned
            else f"public, max-age={WEEK if 'fonts' in path else 3600}"
        )
        response.headers["Cache-Control"] = age
        return response


def add_routes(app: FastAPI) -> None:
    """Mount the files."""
    app.mount(STATIC, Assets(directory=ASSETS))
