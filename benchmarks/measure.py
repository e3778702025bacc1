"""What several benchmarks need: free ports, percentiles."""

import socket
import statistics
from collections.abc import Sequence


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def summary(seconds: Sequence[float]) -> str:
    """Median and worst in milliseconds."""
    return f"p50 {statistics.median(seconds) * 1e3:.1f} ms, max {max(seconds) * 1e3:.1f} ms, n {len(seconds)}"
