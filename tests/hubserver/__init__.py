"""A Hub for tests: the protocol huggingface_hub speaks, on 127.0.0.1, with faults on demand.

`with HubServer() as hub:` gives `hub.endpoint`, `hub.token`, `hub.read_token`, `hub.files(repo_id)`, `hub.requests`
and `hub.faults`. `python -m tests.hubserver --port 8888` runs one by hand.
"""

from .faults import FOREVER, Fault, LoggedRequest
from .server import HubServer

__all__ = ["FOREVER", "Fault", "HubServer", "LoggedRequest"]
