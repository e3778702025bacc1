"""`studio datasets add`, `show` and `configs`, as processes."""

import json
from pathlib import Path

from tests.unit.test_cli import Terminal


def test_add_show_configs(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "home")
    (tmp_path / "a.txt").write_text("first\nsecond\n")
    added = terminal.run("datasets", "add", str(tmp_path / "a.txt"), "--name", "lines", "--wait")
    assert added.returncode == 0, added.stderr
    ref = added.stdout.strip()
    assert ref.startswith("upload:")
    assert "Reading lines" in added.stderr
    shown = terminal.good("datasets", "show", ref)
    assert shown.splitlines()[0] == "lines.txt"
    assert "train\t2 rows" in shown
    assert "text\tVARCHAR" in shown
    assert terminal.json("datasets", "show", ref, "--json")["splits"] == {"train": 2}
    assert terminal.good("datasets", "configs", "kit:debian-topics") == "default\n"
    assert terminal.good("datasets", "databases", STUDIO_DATABASES="{}").strip() == ""
    for source, said in (("http://127.0.0.1/a.csv", "open web"), ("nowhere.csv", "no such file")):
        refused = terminal.run("datasets", "add", source)
        assert refused.returncode == 2
        assert said in refused.stderr
    queued = json.loads(terminal.good("datasets", "add", str(tmp_path / "a.txt"), "--json"))
    assert (queued["recipe"], queued["state"]) == ("fetch", "queued")
    again = terminal.run("datasets", "add", str(tmp_path / "a.txt"))
    assert again.stdout.strip() == queued["id"]
    assert "studio jobs wait" in again.stderr
