"""Bytes on the wire of each page, and how long a switch between pages takes, in a real browser."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Response, sync_playwright

from benchmarks.measure import free_port, summary
from benchmarks.startup import ROOT, answers
from studio.pages import PAGES


def main() -> None:
    """Start a studio in a scratch folder and walk through its pages."""
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "STUDIO_HOME": home, "STUDIO_PORT": str(port), "STUDIO_OFFLINE": "true"}
        process = subprocess.Popen([sys.executable, str(ROOT / "app.py")], env=environment)
        try:
            while not answers(f"http://127.0.0.1:{port}/"):
                time.sleep(0.1)
            walk(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait()


def walk(url: str) -> None:
    """First load of each page in a cold browser, then switches in a warm one."""
    paths = [page.path for page in PAGES.values()]
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for path in paths:
            page = browser.new_page()
            weights: list[int] = []
            foreign: set[str] = set()

            def weigh(response: Response, weights: list[int] = weights, foreign: set[str] = foreign) -> None:
                sizes = response.request.sizes() if "/events" not in response.url else {"responseBodySize": 0}
                weights.append(sizes["responseBodySize"])
                if not response.url.startswith((url, "data:", "blob:")):
                    foreign.add(response.url)

            begin = time.perf_counter()
            page.goto(f"{url}/{path}", wait_until="load")
            page.get_by_role("heading", level=1).wait_for()
            seconds = time.perf_counter() - begin
            document = page.request.get(f"{url}/{path}", headers={"accept-encoding": "gzip"})
            html = int(document.headers.get("content-length", len(document.body())))
            print(f"/{path}: HTML {html / 1e3:.0f} kB, first load {seconds:.2f} s, other hosts: {sorted(foreign) or 0}")
            page.close()
        page = browser.new_page()
        page.goto(f"{url}/{paths[0]}")
        switches = []
        for path in paths * 3:
            begin = time.perf_counter()
            page.goto(f"{url}/{path}", wait_until="load")
            page.get_by_role("heading", level=1).wait_for()
            switches.append(time.perf_counter() - begin)
        print(f"switch: {summary(switches)}")
        browser.close()


if __name__ == "__main__":
    assert Path("app.py").exists(), "run it from the repository's root"
    main()
