"""The terminal, as processes: results on stdout, the rest on stderr, an exit code, and never a traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from studio import cli
from studio.tasks.base import EXAMPLES, examples
from tests.unit.plugged import PLUGINS

TEXT = "A chess program with a strong engine"


@dataclass
class Terminal:
    """A shell in which the studio's data folder is `home`."""

    home: Path
    more: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, stdin: bytes = b"", **more: str) -> "subprocess.CompletedProcess[str]":
        known = {name: value for name, value in os.environ.items() if not name.startswith(("STUDIO_", "HF_"))}
        environment = known | {
            "STUDIO_HOME": str(self.home),
            "STUDIO_OFFLINE": "true",
            "STUDIO_ZYGOTE": "false",
            "HF_HOME": str(self.home / "hf"),
            "PYTHONPATH": str(PLUGINS),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "120",
        }
        done = subprocess.run(
            [sys.executable, "-m", "studio.cli", *arguments],
            env=environment | self.more | more,
            input=stdin,
            capture_output=True,
            timeout=120,
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "TOY_FAILS" in more or "Traceback" not in err, err  # a recipe's bug stands in its log, with all
        return subprocess.CompletedProcess(arguments, done.returncode, out, err)

    def good(self, *arguments: str, stdin: bytes = b"", **more: str) -> str:
        done = self.run(*arguments, stdin=stdin, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str, stdin: bytes = b"") -> Any:
        return json.loads(self.good(*arguments, stdin=stdin))

    def all(self, *commands: tuple[str, ...]) -> "list[subprocess.CompletedProcess[str]]":
        with ThreadPoolExecutor(3) as pool:
            return list(pool.map(lambda command: self.run(*command), commands))


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("terminal") / "home")


@pytest.fixture(scope="module")
def trained(terminal: Terminal) -> Any:
    """A toy that has been run to its end, as JSON."""
    done = terminal.run("train", "toy-recipe", "--set", "Toy count=4", "--key", "once", "--wait", "--json")
    assert done.returncode == 0, done.stderr
    assert "counted 4" in done.stderr
    assert "succeeded" in done.stderr.splitlines()[-1]
    return json.loads(done.stdout)


def test_training_follows_the_log_and_leaves_json_on_stdout(terminal: Terminal, trained: Any) -> None:
    assert (trained["state"], trained["params"], trained["title"]) == ("succeeded", {"count": 4}, "Count to 4")
    assert (terminal.home / "artifacts" / trained["artifact"] / "count.txt").read_text() == "4"
    again = terminal.json("train", "toy-recipe", "--key", "once", "--json")
    assert again["id"] == trained["id"]


def test_jobs_are_listed_shown_logged_cancelled_retried_waited_for_and_deleted(
    terminal: Terminal, trained: Any
) -> None:
    job = terminal.good("run", "toy-recipe", "--set", "count=2").strip()
    assert f"{job}\tqueued\t\tCount to 2" in terminal.good("jobs", "list", "--state", "queued")
    listed = terminal.json("jobs", "list", "--json", "--search", "Count to")
    assert {job, trained["id"]} <= {entry["id"] for entry in listed}
    assert terminal.json("jobs", "show", job)["state"] == "queued"
    assert terminal.good("jobs", "log", job) == ""
    refused = terminal.run("jobs", "delete", job)
    assert (refused.returncode, refused.stderr) == (1, f"Job {job} is queued; cancel it first.\n")
    assert terminal.good("jobs", "cancel", job) == f"{job}\tcancelled\n"
    assert terminal.run("jobs", "cancel", job).returncode == 1
    ended = terminal.run("jobs", "wait", job)
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (1, "The job was cancelled.")
    assert terminal.good("jobs", "retry", job).strip() == job
    assert terminal.json("jobs", "wait", job, "--json")["state"] == "succeeded"
    assert "counted 2" in terminal.good("jobs", "log", job)
    terminal.good("jobs", "delete", job)
    assert not (terminal.home / "jobs" / job).exists()
    assert terminal.run("jobs", "show", job).returncode == 1


def test_a_job_that_fails_is_exit_code_1_and_says_why(terminal: Terminal, trained: Any) -> None:
    card = terminal.home / "artifacts" / trained["artifact"] / "README.md"
    done = terminal.run("train", "toy-recipe", "--set", "count=1", "--wait", TOY_FAILS="on purpose")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("The recipe stopped on an error (RuntimeError: on purpose)")
    assert not card.exists()


def test_lists_are_readable_and_their_json_is_json(terminal: Terminal, trained: Any) -> None:
    lists = ("recipes", "artifacts list", "datasets list", "kit list")
    plain = terminal.all(*(tuple(name.split()) for name in lists))
    whole = terminal.all(*((*name.split(), "--json") for name in lists))
    for name, text, data in zip(lists, plain, whole, strict=True):
        assert (text.returncode, data.returncode, text.stderr, data.stderr) == (0, 0, "", ""), name
        assert len(json.loads(data.stdout)) == len(text.stdout.splitlines()) > 0, name
    assert "num_train_epochs" in whole[0].stdout
    assert terminal.good("kit", "verify").endswith("entries are whole.\n")


def test_a_card_is_printed_checked_and_replaced(terminal: Terminal, trained: Any, tmp_path: Path) -> None:
    artifact = trained["artifact"]
    assert terminal.good("card", artifact).startswith("---")
    checked = terminal.run("card", artifact, "--check")
    assert checked.returncode in (0, 1)
    assert all(len(line.split("\t")) == 4 for line in checked.stdout.splitlines())
    broken = tmp_path / "card.md"
    broken.write_text("---\nlicense: [\n---\n# Mine\n")
    assert "# Mine" in terminal.good("card", artifact, "--save", str(broken))
    checked = terminal.run("card", artifact, "--check")
    assert checked.returncode == 1
    assert "error" in {line.split("\t")[0] for line in checked.stdout.splitlines()}
    broken.write_bytes(b"\xff\xfe")
    bad, missing = terminal.all(
        ("card", artifact, "--save", str(broken)), ("card", artifact, "--save", str(tmp_path / "no"))
    )
    assert (bad.returncode, missing.returncode) == (2, 2)
    assert "UTF-8" in bad.stderr
    (terminal.home / "artifacts" / artifact / "README.md").unlink()


def test_a_model_answers_text_and_stdin(terminal: Terminal) -> None:
    given = ("predict", "text-classification", "--model", "kit:topic-classifier", "--set", "top_k=2")
    labels = terminal.json(*given, TEXT)
    assert len(labels) == 2
    assert labels[0]["score"] >= labels[1]["score"]
    assert terminal.json(*given, "-", stdin=f"{TEXT}\n".encode()) == labels
    empty = terminal.run(*given, "  ")
    assert empty.returncode == 2
    assert len(empty.stderr.splitlines()) == 1


def test_files_go_in_and_come_out(terminal: Terminal, tmp_path: Path) -> None:
    spoken, masks = tmp_path / "spoken.wav", tmp_path / "masks.json"
    clip, picture = EXAMPLES / "yes.mp3", EXAMPLES / examples("image-segmentation")[0].inputs["inputs"]
    commands = (
        ("predict", "audio-classification", str(clip), "--model", "kit:commands"),
        ("predict", "text-to-speech", "Hello there.", "--set", "speed=1.2", "--output", str(spoken)),
        ("predict", "image-segmentation", str(picture), "--model", "kit:segmenter", "-o", str(masks)),
    )
    heard, said, shown = terminal.all(*commands)
    assert [done.returncode for done in (heard, said, shown)] == [0, 0, 0], said.stderr
    assert json.loads(heard.stdout)[0]["label"] == "yes"
    assert (said.stdout, said.stderr) == ("", f"{spoken}\n")
    assert spoken.read_bytes()[:4] == b"RIFF"
    found = json.loads(masks.read_text())
    assert [one["mask"] for one in found] == [f"masks-{number}.png" for number in range(1, len(found) + 1)]
    assert all((tmp_path / one["mask"]).read_bytes()[:4] == b"\x89PNG" for one in found)
    piped = terminal.json("predict", "audio-classification", "-", "--model", "kit:commands", stdin=clip.read_bytes())
    assert piped == json.loads(heard.stdout)


def test_several_inputs_go_by_name_and_lists_are_json(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "sentences.json"
    file.write_text('["a dog barks", "taxes rise"]')
    given = ("predict", "sentence-similarity", "a puppy", "--model", "kit:minilm-l6", "-i")
    written, read, asked = terminal.all(
        (*given, f"sentences={file.read_text()}"),
        (*given, f"sentences={file}"),
        ("predict", "question-answering", "--input", "question=Who?", "--input", "context=Anna spoke."),
    )
    assert (written.returncode, read.stdout) == (0, written.stdout)
    near, far = json.loads(written.stdout)
    assert near > far
    assert json.loads(asked.stdout)[0]["answer"] in "Anna spoke."
    kept = terminal.run(*given, f"sentences={file}", "-o", str(tmp_path / "scores.json"))
    assert (kept.stdout, json.loads((tmp_path / "scores.json").read_text())) == ("", [near, far])


def test_a_model_is_looked_at_and_what_was_used_is_remembered(terminal: Terminal) -> None:
    assert "kit:topic-classifier\tkit\t" in terminal.good("models", "list", "text-classification")
    facts = terminal.json("models", "facts", "text-classification", "kit:topic-classifier")
    assert (facts["format"], facts["problem"]) == ("safetensors", "")
    unfit = terminal.run("models", "facts", "text-classification", "kit:fill-mask")
    assert unfit.returncode == 1
    assert "made for fill-mask" in json.loads(unfit.stdout)["problem"]
    terminal.good("predict", "text-classification", TEXT, "--model", "kit:topic-classifier")
    assert terminal.good("models", "recent", "text-classification").splitlines()[0] == "kit:topic-classifier"
    offline = terminal.run("models", "search", "text-classification", "bert")
    assert (offline.returncode, offline.stderr.strip()) == (1, "The studio is set to work offline (STUDIO_OFFLINE).")
    assert "sort: 'beauty'" in terminal.run("models", "search", "text-classification", "--sort", "beauty").stderr


def test_a_column_goes_through_a_model_as_a_job(terminal: Terminal) -> None:
    sets = ["task=toy-task", "model=kit:topic-classifier", "dataset=kit:debian-topics", "limit=5"]
    chosen = [part for value in [*sets, 'parameters={"threshold": 0.9}'] for part in ("--set", value)]
    done = terminal.run("run", "predict", *chosen, "--wait")
    assert done.returncode == 0, done.stderr
    ref = f"artifact:{done.stdout.strip()}"
    assert ref in terminal.good("datasets", "list")
    terminal.good("datasets", "delete", ref)
    assert ref not in terminal.good("datasets", "list")
    refused = terminal.run("run", "predict", *chosen, "--set", "column=nope")
    assert (refused.returncode, "column: 'nope' is not usable." in refused.stderr) == (2, True)


def test_an_upload_prints_a_reference_that_can_be_trained_on(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "reviews.csv"
    file.write_text("review,stars\ngood,five\nbad,one\n")
    ref = terminal.good("upload", str(file)).strip()
    assert ref.startswith("upload:")
    assert ref in terminal.good("datasets", "list")
    done = terminal.run("train", "text-classification", "--set", f"dataset={ref}", "--set", "text_column=nope")
    assert done.returncode == 2
    assert "text_column: 'nope' is not usable" in done.stderr
    terminal.good("datasets", "delete", ref)
    assert ref not in terminal.good("datasets", "list")
    assert terminal.run("datasets", "delete", ref).returncode == 1


def test_a_result_is_deleted(terminal: Terminal) -> None:
    result = terminal.good("run", "toy-recipe", "--set", "count=1", "--wait").strip()
    assert result in terminal.good("artifacts", "list")
    terminal.good("artifacts", "delete", f"artifact:{result}")
    assert result not in terminal.good("artifacts", "list")
    gone = terminal.run("artifacts", "delete", result)
    assert (gone.returncode, gone.stderr) == (1, f"There is no artifact '{result}'.\n")


BAD: list[tuple[str, int, str]] = [
    ("train nope", 1, "Unknown recipe 'nope'. Known: text-classification, "),
    ("train publish", 2, "It does not train a model. Known: text-classification, toy-recipe."),
    ("train toy-recipe --set count=0", 2, "count: '0' is not usable. Input should be greater than or equal to 1."),
    ("train toy-recipe --set nope=1", 2, "nope: '1' is not usable. No field is called so"),
    ("train toy-recipe --set count", 2, "Write it as field=value, for example epochs=3."),
    ("train toy-recipe --set count=[1", 2, "must be JSON"),
    ("train toy-recipe --engine moon", 1, "Unknown engine 'moon'. Known: local, toy-engine."),
    ("train toy-recipe --push nowhere", 2, "push: 'nowhere' is not usable."),
    ("train text-classification --set epochs=0", 2, "num_train_epochs: '0' is not usable."),
    ("jobs show nope", 1, "There is no job 'nope'."),
    ("jobs log nope", 1, "There is no job 'nope'."),
    ("jobs wait nope", 1, "There is no job 'nope'."),
    ("jobs list --state nope", 2, "nope"),
    ("card nope --check", 1, "There is no artifact 'nope'."),
    ("publish nope me/x", 1, "There is no artifact 'nope'."),
    ("upload /no/such.csv", 2, "There is no such file."),
    ("predict nope hello", 1, "Unknown task 'nope'. Known: text-classification, token-classification,"),
    ("predict text-classification", 2, "inputs: 'nothing' is not usable. Give it with --input inputs=…."),
    ("predict question-answering Who?", 2, "context: 'nothing' is not usable."),
    ("predict question-answering Who? -i context", 2, "Write it as name=value, for example context=…."),
    ("predict question-answering Who? -i nope=1", 1, "Unknown input 'nope'. Known: question, context."),
    ("predict question-answering Who? -i question=Where?", 2, "question: 'Where?' is not usable. It is given twice."),
    ("predict sentence-similarity one -i sentences=[1", 2, "sentences: '[1' is not usable. It must be JSON"),
    ("predict sentence-similarity one -i sentences=two", 2, "sentences: 'two' is not usable. There is no such file."),
    ("predict audio-classification /no/such.wav", 2, "inputs: '/no/such.wav' is not usable. There is no such file."),
    ("predict text-to-speech Hello", 2, "The answer is no text (speech); name a file for it"),
    ("predict text-to-speech Hello -o /no/such/place.wav", 2, "There is no such folder."),
    ("predict text-classification hello --model kit:nope", 1, "kit:topic-classifier"),
    ("predict text-classification hello --model nope", 2, 'Give "kit:ID", "artifact:ID"'),
    ("predict text-classification hello --set top_k=0", 2, "top_k: '0' is not usable."),
    ("frobnicate", 2, "No such command"),
]


def test_whatever_is_wrong_is_said_in_a_line_or_two(terminal: Terminal) -> None:
    outcomes = terminal.all(*(tuple(command.split()) for command, _, _ in BAD))
    wrong = {
        command: (done.returncode, done.stdout, done.stderr)
        for (command, code, text), done in zip(BAD, outcomes, strict=True)
        if (done.returncode, done.stdout) != (code, "") or text not in done.stderr
    }
    assert wrong == {}


def test_bad_files_settings_and_tokens_are_said_too(terminal: Terminal, trained: Any, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(b"\0\1\2")
    bad = terminal.run("upload", str(file))
    assert (bad.returncode, len(bad.stderr.splitlines())) == (2, 1)
    unsigned = terminal.run("publish", trained["artifact"], "me/toy")
    assert unsigned.returncode == 1
    assert "hf auth login" in unsigned.stderr
    port = terminal.run("jobs", "list", STUDIO_PORT="lots")
    assert (port.returncode, port.stderr.split(":")[0]) == (2, "STUDIO_PORT")
    (tmp_path / "file").write_text("")
    home = terminal.run("jobs", "list", STUDIO_HOME=str(tmp_path / "file" / "home"))
    assert (home.returncode, len(home.stderr.splitlines())) == (1, 1)
    text = terminal.run("predict", "toy-task", "-", stdin=b"\xff")
    assert (text.returncode, "UTF-8" in text.stderr) == (2, True)


def _commands(group: typer.Typer, *before: str) -> Iterator[tuple[str, ...]]:
    for command in group.registered_commands:
        assert command.callback is not None
        yield (*before, command.name or command.callback.__name__)
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from _commands(inner.typer_instance, *before, str(inner.name))


def test_every_command_and_argument_explains_itself(terminal: Terminal) -> None:
    whole = terminal.good("--help")
    commands = list(_commands(cli.app))
    assert len(commands) > 50
    for command in commands:
        assert f" {command[0]} " in whole
        done = CliRunner().invoke(cli.app, [*command, "--help"], env={"COLUMNS": "120"})
        assert done.exit_code == 0
        helped = done.output.split("Usage: ")[1].splitlines()
        assert len(helped[2].strip()) > 10, command
        for line in helped:  # in the tables of arguments and options
            cells = line.strip("│ ").split("  ")
            bare = cells[-1].strip().startswith(("[", "<")) or not cells[-1].strip()
            assert not line.startswith("│ ") or not bare, (command, line)


def test_data_sets_are_looked_into(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,n\none,1\n\x1b[31mtwo,2\nthree,3\n")
    ref = terminal.good("upload", str(file)).strip()
    chosen = ["--filter", '{"column": "n", "op": ">=", "value": 2}', "--sort", "n", "--descending"]
    assert [line.split() for line in terminal.good("datasets", "view", ref, *chosen).splitlines()] == [
        ["row", "text", "n"],
        ["2", "three", "3"],
        ["1", "[31mtwo", "2"],  # without the sign that a terminal would obey
    ]
    assert json.loads(terminal.good("datasets", "view", ref, "--where", "n = 3", "--json"))["numbers"] == [2]
    query = "SELECT sum(n) AS total FROM train"
    assert terminal.good("datasets", "sql", ref, query).split() == ["total", "6"]
    assert terminal.good("datasets", "row", ref, "2").splitlines() == ["text\tthree", "n\t3"]
    for command, words in (
        (("view", ref, "--filter", "n"), "--filter"),
        (("sql", ref, "FROM '/etc/passwd'"), "query"),
    ):
        done = terminal.run("datasets", *command)
        assert (done.returncode, words in done.stderr) == (2, True)
