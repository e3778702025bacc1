"""Inference Providers as router.huggingface.co shows them, here under `/router/{provider}/…`.

Nothing is computed: whoever tests puts answers into `Hub.served`. Chat has OpenAI's shapes, `hf-inference` those of
the Hub's own inference API (huggingface.co/docs/inference-providers).
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .access import hub_of, json_body, signed_in
from .errors import HubError

NO_CREDIT = (
    "You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more "
    "monthly included credits."
)


def _pay(request: Request) -> None:
    """Raise what an account that may not ask gets: 401 without one, 402 without credit."""
    token = signed_in(request)
    if token.user in hub_of(request).without_credit:
        raise HubError(402, NO_CREDIT)


def _answer(request: Request, provider: str, model: str) -> Response:
    served = hub_of(request).served
    if (provider, model) not in served:
        raise HubError(404, f"Model {model} is not supported by provider {provider}.")
    answer: Any = served[provider, model]
    return Response(answer, media_type="image/png") if isinstance(answer, bytes) else JSONResponse(answer)


async def complete(request: Request) -> Response:
    """Chat, of every provider that speaks OpenAI's protocol."""
    _pay(request)
    body = await json_body(request)
    return _answer(request, request.path_params["provider"], str(body.get("model")))


async def pipeline(request: Request) -> Response:
    """One task of `hf-inference`; the model stands in the path."""
    _pay(request)
    return _answer(request, "hf-inference", request.path_params["model"].partition("/pipeline/")[0])


ROUTES: list[BaseRoute] = [
    Route("/router/{provider}/v1/chat/completions", complete, methods=["POST"]),
    Route("/router/hf-inference/models/{model:path}", pipeline, methods=["POST"]),
]
