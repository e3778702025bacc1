"""`python -m tests.hubserver --port N`: a Hub to try things against by hand. Its tokens die with it."""

from __future__ import annotations

import argparse
import signal
import threading

from . import HubServer


def main() -> None:
    """Run until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.hubserver", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (0: any free one)")
    port: int = parser.parse_args().port
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with HubServer(port) as hub:
        print(f"export HF_ENDPOINT={hub.endpoint}")
        print(f"export HF_TOKEN={hub.token}  # {hub.user}, may write to {hub.user}/ and {hub.org}/", flush=True)
        print(f"# read-only token: {hub.read_token}", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
