"""LitServe with dynamic batching, for `benchmarks.peers`: a module of its own, because its workers import it anew."""

from typing import Any

import litserve  # type: ignore[import-not-found]
from fastapi import Request


class Api(litserve.LitAPI):  # type: ignore[misc]
    """Texts in, labels out, as `from_pipeline` answers."""

    def __init__(self, model: str, **options: Any) -> None:
        super().__init__(**options)
        self.folder = model

    def setup(self, _device: str) -> None:
        """Load the model, in the worker."""
        from benchmarks.peers import pipeline

        self.pipe = pipeline(self.folder)

    def decode_request(self, request: Request) -> str:
        """The text of a request."""
        return str(request["inputs"])  # it hands over the body

    def predict(self, texts: list[str]) -> Any:
        """A batch at once."""
        return self.pipe(texts, batch_size=32, top_k=None)

    def encode_response(self, output: Any) -> Any:
        """The labels as JSON has them."""
        return output


def serve(model: str, port: int) -> None:
    """Serve until killed."""
    litserve.server._MCP_AVAILABLE = False  # its connector asks for another package than the one that is installed
    api = Api(model, max_batch_size=32, batch_timeout=0.005)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=port, generate_client_file=False, log_level="error")
