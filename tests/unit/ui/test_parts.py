"""Parts: everything from outside is escaped, every state has a word, figures read well."""

from collections.abc import Callable

import pytest

from studio.core.errors import UnknownName
from studio.jobs.job import Job, JobState, Progress
from studio.ui import parts
from studio.ui.icons import PATHS, icon
from studio.ui.jobs import jobs_table
from studio.ui.parts import Html, Stat

EVIL = "<script>alert('x')</script>\"><img src=x onerror=y>"


@pytest.mark.parametrize(
    "make",
    [
        lambda evil: parts.chip("running", evil),
        lambda evil: parts.chip(evil, evil),
        lambda evil: parts.stat_cards([Stat(evil, evil, evil, href=evil)]),
        lambda evil: parts.panel(evil, evil, evil),
        lambda evil: parts.empty_state(evil, evil, (evil, evil)),
        lambda evil: parts.table([evil], [[evil]], evil, wide=True),
        lambda evil: parts.table([evil], [[evil]], evil),
        lambda evil: parts.progress_bar(0.5, evil),
        lambda evil: parts.live(evil, evil, parts.slot("message", evil)),
        lambda evil: parts.log_view(evil, evil),
        lambda evil: parts.key_values([(evil, evil)]),
        lambda evil: parts.notice("bad", evil),
        lambda evil: parts.code_block(evil, evil),
        lambda evil: parts.code_block(evil, evil, "python"),
        lambda evil: parts.code_choices([(evil, evil, "bash"), (evil, evil, "javascript"), (evil, evil, "")]),
        lambda evil: parts.problem(evil, evil),
        lambda evil: parts.value_bars([(evil, 0.5, evil)]),
        lambda evil: parts.label_bars([(evil, 0.5)], evil),
        lambda evil: parts.share_bars([(evil, 0.5)]),
        lambda evil: parts.link(evil, evil),
        lambda evil: parts.join([evil, evil]),
        lambda evil: jobs_table([Job(evil, evil, evil, {}, evil, evil, started_at=1)]),
    ],
)
def test_nothing_from_outside_becomes_markup(make: Callable[[str], Html]) -> None:
    made = make(EVIL)
    assert "<script" not in made
    assert "<img" not in made
    assert '"><' not in made.replace('"><span', "").replace('"><i', "") or EVIL not in made
    assert type(made) is Html


def test_markup_of_ours_passes_through() -> None:
    assert parts.text(parts.chip("good")) == parts.chip("good")
    assert parts.panel("x", parts.chip("good")).count("<span") == 2


@pytest.mark.parametrize("href", ["javascript:alert(1)", "data:text/html,x", "vbscript:x"])
def test_a_link_to_script_is_plain_text(href: str) -> None:
    assert parts.link("label", href) == "label"


def test_foreign_links_open_apart() -> None:
    assert "noopener" in parts.link("Hub", "https://huggingface.co/x")
    assert "target" not in parts.link("Jobs", "/jobs?id=1")


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_has_a_symbol_and_a_word(state: JobState) -> None:
    made = parts.chip(state)
    assert 'aria-hidden="true">' in made
    assert "Info" not in made


def test_a_running_job_shows_its_per_cent_and_a_cancelled_one_says_so() -> None:
    job = Job("a", "r", "t", {}, "local", "k", state=JobState.RUNNING, progress=Progress(1, 4))
    assert "Running 25%" in parts.state_chip(job)
    cancelling = Job("a", "r", "t", {}, "local", "k", state=JobState.RUNNING, cancel_requested=True)
    assert "Cancelling" in parts.state_chip(cancelling)


@pytest.mark.parametrize(
    ("state", "progress", "shown"),
    [
        (JobState.SUCCEEDED, Progress(), 'aria-valuenow="100"'),
        (JobState.FAILED, Progress(), 'aria-valuenow="0"'),
        (JobState.RUNNING, Progress(), "bar unknown"),
        (JobState.QUEUED, Progress(), 'aria-valuenow="0"'),
        (JobState.RUNNING, Progress(3, 4), 'aria-valuenow="75"'),
    ],
)
def test_the_bar_says_how_far_a_job_is(state: JobState, progress: Progress, shown: str) -> None:
    assert shown in parts.job_progress(Job("a", "r", "t", {}, "local", "k", state=state, progress=progress))


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (999_999, "1.0 MB"), (123_456_789, "123 MB"), (3.2e9, "3.2 GB")],
)
def test_bytes_in_words(count: float, shown: str) -> None:
    assert parts.format_bytes(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.038, "38 ms"),
        (4.25, "4.2 s"),
        (38, "38 s"),
        (59.7, "1 min"),
        (130, "2 min 10 s"),
        (11100, "3 h 5 min"),
        (7200, "2 h"),
    ],
)
def test_durations_in_words(seconds: float, shown: str) -> None:
    assert parts.format_duration(seconds) == shown


def test_times_are_how_long_ago() -> None:
    assert parts.format_time(0) == "—"
    assert "just now" in parts.format_time(1000, now=1030)
    assert "5 min ago" in parts.format_time(1000, now=1300)
    assert 'datetime="1970-01-01T00:16:40Z"' in parts.format_time(1000, now=1300)


def test_every_row_of_a_table_has_its_cells_named() -> None:
    made = parts.table(["Job", "State"], [["a", "b"]])
    assert 'data-label="Job"' in made
    with pytest.raises(ValueError, match="argument"):
        parts.table(["Job"], [["a", "b"]])


def test_an_unknown_icon_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="home"):
        icon("nonsense")
    for name in PATHS:
        assert icon(name).startswith("<svg")
