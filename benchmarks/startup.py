"""Start-up to the first 200 OK of the studio against a bare Gradio hello, interleaved in one run."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

from benchmarks.measure import free_port

ROOT = Path(__file__).resolve().parents[1]
HELLO = """
import gradio as gr, os
with gr.Blocks() as demo:
    gr.Textbox(label="Name")
demo.launch(server_port=int(os.environ["STUDIO_PORT"]), quiet=True, ssr_mode=False)
"""


def first_answer(command: list[str]) -> tuple[float, float]:
    """CPU seconds of the whole process tree and wall seconds until `/` answers 200."""
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "STUDIO_HOME": home,
            "STUDIO_PORT": str(port),
            "STUDIO_ZYGOTE": "false",
            "STUDIO_OFFLINE": "true",
            "GRADIO_ANALYTICS_ENABLED": "False",
        }
        begin = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not answers(f"http://127.0.0.1:{port}/"):
                time.sleep(0.02)
            wall = time.perf_counter() - begin
            times = psutil.Process(process.pid).cpu_times()
            return times.user + times.system, wall
        finally:
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    """Whether the address gives 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def main() -> None:
    """Print medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    ours, bare = [], []
    for _ in range(rounds):
        bare.append(first_answer([sys.executable, "-c", HELLO]))
        ours.append(first_answer([sys.executable, str(ROOT / "app.py")]))
    for name, index in (("CPU s", 0), ("wall s", 1)):
        studio, hello = (statistics.median(run[index] for run in runs) for runs in (ours, bare))
        print(f"{name}: studio {studio:.2f}, bare Gradio {hello:.2f}, ratio {studio / hello:.2f}")


if __name__ == "__main__":
    main()
