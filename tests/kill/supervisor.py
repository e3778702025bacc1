"""A web process reduced to its scheduler, for tests that kill it: `python -m tests.kill.supervisor HOME ZYGOTE`."""

import sys
import threading
from pathlib import Path

from studio.engines.local import LocalEngine
from tests.kill import harness
from tests.waiting import wait


def main(home: Path, *, zygote: bool) -> None:
    settings = harness.settings(home, zygote=zygote)
    engine = LocalEngine(settings, preload=())
    engine.warm_up()
    if zygote:
        wait(lambda: engine.warm, "the zygote is warm")
    harness.scheduler(settings, engine).start()
    (home / "zygote.pid").write_text(str(engine.zygote_pid))
    (home / "supervising").touch()
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), zygote=sys.argv[2] == "1")
