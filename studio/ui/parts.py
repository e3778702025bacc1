"""Pieces of a page as HTML. Pure functions: whatever is not `Html` already is escaped on the way in."""

import html
import re
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from studio.jobs.job import Job, JobState
from studio.ui.icons import icon

Tone = Literal["neutral", "info", "good", "warn", "bad"]
Language = Literal["", "python", "bash", "javascript", "json"]
MOST_COLOURED = 200_000  # characters; colours for more would take seconds
MANY = 5  # more facts than that would leave half of a wide page empty


class Html(str):
    """Markup that is safe to show: everything in it was escaped, or is written in this code base."""

    __slots__ = ()


@dataclass(frozen=True)
class Stat:
    """One figure of `stat_cards`; `tone` colours the line below it."""

    label: str
    value: str
    detail: str = ""
    tone: Tone = "neutral"
    href: str = ""


# kind → tone, symbol, word. The word is always there: colour alone says nothing to many people.
_CHIPS: dict[str, tuple[Tone, str, str]] = {
    JobState.QUEUED: ("warn", "◔", "Queued"),
    JobState.ADMITTED: ("info", "◑", "Starting"),
    JobState.STARTING: ("info", "◑", "Starting"),
    JobState.RUNNING: ("info", "●", "Running"),
    JobState.SAVING: ("info", "◕", "Saving"),
    JobState.SUCCEEDED: ("good", "✓", "Done"),
    JobState.FAILED: ("bad", "✕", "Failed"),
    JobState.CANCELLED: ("neutral", "■", "Cancelled"),
    JobState.RETRY_WAIT: ("warn", "↻", "Trying again soon"),
    JobState.LOST: ("bad", "?", "Lost"),
    "info": ("neutral", "i", "Info"),
    "good": ("good", "✓", "OK"),
    "warn": ("warn", "!", "Attention"),
    "bad": ("bad", "✕", "Problem"),
    "offline": ("warn", "◌", "Offline"),
}


def text(value: object) -> Html:
    """Any value as safe markup; `Html` passes through."""
    return value if isinstance(value, Html) else Html(html.escape(str(value)))


def join(pieces: Iterable[object], separator: str = "") -> Html:
    """Pieces one after another, each escaped."""
    return Html(separator.join(text(piece) for piece in pieces))


def link(label: object, href: str) -> Html:
    """A link to a page of the studio or to http(s); any other scheme becomes plain text."""
    parts = urlsplit(href)
    if parts.scheme not in ("", "http", "https"):
        return text(label)
    outside = ' target="_blank" rel="noopener noreferrer"' if parts.netloc else ""
    return Html(f'<a href="{text(href)}"{outside}>{text(label)}</a>')


def chip(kind: str, label: object = "") -> Html:
    """A status: symbol and word. `kind` is a `JobState`, or info, good, warn, bad, offline."""
    tone, symbol, word = _CHIPS.get(kind, _CHIPS["info"])
    live = " live" if kind == JobState.RUNNING else ""
    sign = f'<span class="symbol" aria-hidden="true">{symbol}</span>'
    return Html(f'<span class="chip {tone}{live}">{sign}{text(label or word)}</span>')


def state_chip(job: Job) -> Html:
    """A job's state, with its per cent while it runs."""
    fraction = job.progress.fraction
    if job.cancel_requested and not job.state.finished:
        return chip("warn", "Cancelling")
    if job.state is JobState.RUNNING and fraction is not None:
        return chip(job.state, f"Running {fraction:.0%}")
    return chip(job.state)


def stat_cards(stats: Sequence[Stat]) -> Html:
    """Figures side by side."""
    return Html(f'<div class="cards">{join(_stat(stat) for stat in stats)}</div>')


def _stat(stat: Stat) -> Html:
    tag = f'a href="{text(stat.href)}"' if stat.href else "section"
    detail = f'<p class="detail {stat.tone}">{text(stat.detail)}</p>' if stat.detail else ""
    return Html(
        f'<{tag} class="card"><p class="label">{text(stat.label)}</p><p class="value">{text(stat.value)}</p>{detail}'
        f"</{tag.split()[0]}>"
    )


def panel(title: object, body: object, actions: object = "") -> Html:
    """A framed part of a page with its own heading; `actions` stand to the right of it."""
    side = f'<div class="actions">{text(actions)}</div>' if actions else ""
    heading = f'<div class="panel-head"><h2>{text(title)}</h2>{side}</div>' if title else ""
    return Html(f'<section class="panel">{heading}{text(body)}</section>')


def empty_state(title: object, body: object, action: tuple[str, str] | None = None, picture: str = "inbox") -> Html:
    """What stands where nothing is yet: what would be here, and the one thing to do; `action` is (label, href)."""
    button = f'<a class="button primary" href="{text(action[1])}">{text(action[0])}</a>' if action else ""
    return Html(
        f'<section class="empty-state"><span class="picture">{icon(picture, size=30)}</span>'
        f"<h2>{text(title)}</h2><p>{text(body)}</p>{button}</section>"
    )


def table(
    headers: Sequence[object], rows: Iterable[Sequence[object]], caption: object = "", wide: bool = False
) -> Html:
    """Rows of values; on a phone each row becomes a card, or with `wide` the table scrolls sideways."""
    head = join(Html(f'<th scope="col">{text(header)}</th>') for header in headers)
    body = join(_row(headers, row) for row in rows)
    title = f'<caption class="hidden">{text(caption)}</caption>' if caption else ""
    scroll = f' tabindex="0" role="region" aria-label="{text(caption or "Table")}"' if wide else ""
    return Html(
        f'<div class="table {"wide" if wide else "stack"}"{scroll}><table>{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(headers: Sequence[object], row: Sequence[object]) -> Html:
    cells = (
        Html(f'<td data-label="{text(header)}">{text(cell)}</td>') for header, cell in zip(headers, row, strict=True)
    )
    return Html(f"<tr>{join(cells)}</tr>")


def progress_bar(fraction: float | None, label: object = "Progress") -> Html:
    """How far something is, 0 to 1; None shows that the end is not known."""
    if fraction is None:
        return Html(f'<div class="bar unknown" role="progressbar" aria-label="{text(label)}"><i></i></div>')
    percent = round(100 * min(1.0, max(0.0, fraction)), 1)
    return Html(
        f'<div class="bar" role="progressbar" aria-label="{text(label)}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent:g}"><i style="width:{percent:g}%"></i></div>'
    )


def job_progress(job: Job) -> Html:
    """A job's bar: full when it is done, empty while it waits."""
    if job.state is JobState.SUCCEEDED:
        return progress_bar(1.0, f"Progress of {job.id}")
    fraction = job.progress.fraction
    return progress_bar(fraction if job.state.active else fraction or 0.0, f"Progress of {job.id}")


def live(job_id: str, *pieces: object) -> Html:
    """A part of a page that follows a job; `slot` marks what in it is replaced as the job goes on."""
    return Html(f'<div class="live-job" data-job-live="{text(job_id)}">{join(pieces)}</div>')


def slot(
    name: Literal["state", "progress", "message", "error", "result", "seconds", "chart"], body: object = ""
) -> Html:
    """A place inside `live` that the stream fills."""
    tag = "div" if name in ("progress", "chart", "error", "result") else "span"
    return Html(f'<{tag} data-live="{name}">{text(body)}</{tag}>')


def log_view(job_id: str, label: str = "Job log") -> Html:
    """A job's log: filled by the stream, kept at its end until the reader scrolls up."""
    return Html(
        f'<div class="log-frame" data-job-live="{text(job_id)}">'
        '<button type="button" class="copy" data-copy-log>Copy</button>'
        f'<pre class="log" tabindex="0" role="log" aria-label="{text(label)}" data-live="log"></pre></div>'
    )


def key_values(pairs: Iterable[tuple[object, object]]) -> Html:
    """Facts as a definition list; many of them stand in two columns where there is room."""
    shown = list(pairs)
    rows = join(Html(f"<div><dt>{_breakable(key)}</dt><dd>{text(value)}</dd></div>") for key, value in shown)
    return Html(f'<dl class="facts{" many" if len(shown) > MANY else ""}">{rows}</dl>')


def _breakable(key: object) -> Html:
    """A name that breaks between its words, as in training.learning_rate, never inside one."""
    return Html(re.sub(r"(?<=\w)([._])(?=\w)", r"\1<wbr>", text(key))) if not isinstance(key, Html) else key


def notice(kind: Literal["info", "good", "warn", "bad"], body: object) -> Html:
    """A line or two that must not be overlooked; problems are announced at once."""
    symbol = _CHIPS[kind][1]
    role = "alert" if kind == "bad" else "status"
    return Html(
        f'<div class="notice {_CHIPS[kind][0]}" role="{role}"><span class="symbol" aria-hidden="true">{symbol}</span>'
        f"<div>{text(body)}</div></div>"
    )


def problem(body: object, fields: str = "") -> Html:
    """Why something was not done, announced at once; the script of the page marks the fields that it names."""
    return Html(
        f'<div class="notice bad" role="alert" data-fields="{text(fields)}">'
        f'<span class="symbol" aria-hidden="true">✕</span><div>{text(body)}</div></div>'
    )


def code_block(code: str, label: str = "Code", language: Language = "") -> Html:
    """Code with a copy button, in colours where the language is given."""
    return Html(
        f'<figure class="code"><figcaption>{text(label)}'
        '<button type="button" class="copy" data-copy>Copy</button></figcaption>'
        f'<pre tabindex="0"><code>{coloured(code, language)}</code></pre></figure>'
    )


def code_choices(blocks: Sequence[tuple[str, str, Language]]) -> Html:
    """The same in several languages, one shown at a time: name, code, language."""
    name = f"code-{secrets.token_hex(4)}"
    switches = join(
        Html(
            f'<label><input type="radio" name="{name}" value="{number}"{" checked" if not number else ""}>'
            f"<span>{text(label)}</span></label>"
        )
        for number, (label, _, _) in enumerate(blocks)
    )
    bodies = join(code_block(code, label, language) for label, code, language in blocks)
    return Html(
        f'<section class="choices"><div class="segments" role="radiogroup" aria-label="Language">{switches}</div>'
        f"{bodies}</section>"
    )


def coloured(code: str, language: Language) -> Html:
    """Code as markup whose classes the stylesheet colours; plain where the language is not known."""
    if not language or len(code) > MOST_COLOURED:
        return text(code)
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    return Html(highlight(code, lexer, HtmlFormatter(nowrap=True, classprefix="c-")))


def label_bars(labels: Sequence[tuple[str, float]], caption: str = "Scores") -> Html:
    """Classes and their scores (0 to 1), the best on top."""
    if not labels:
        return Html("")
    ranked = sorted(labels, key=lambda item: item[1], reverse=True)
    best = f'<p class="best">{text(ranked[0][0])}</p>'
    return Html(f'<section class="scores" aria-label="{text(caption)}">{best}{share_bars(ranked)}</section>')


def share_bars(shares: Sequence[tuple[object, float]]) -> Html:
    """Names and their shares (0 to 1) as bars, in the given order."""
    return value_bars([(name, share, f"{share:.1%}") for name, share in shares])


def value_bars(rows: Sequence[tuple[object, float, object]]) -> Html:
    """Name, length of its bar (0 to 1), and the figure that stands beside it, in the given order."""
    return Html(f'<ol class="shares">{join(_bar(*row) for row in rows)}</ol>')


def _bar(name: object, length: float, figure: object) -> Html:
    bar = f'<span class="bar" aria-hidden="true"><i style="width:{100 * min(1.0, max(0.0, length)):.1f}%"></i></span>'
    return Html(f'<li><span class="name">{text(name)}</span><span class="share">{text(figure)}</span>{bar}</li>')


def format_bytes(count: float) -> str:
    """Bytes in decimal units: 1.2 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 999.5:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def format_duration(seconds: float) -> str:
    """Seconds as a person says them: 38 s, 2 min 10 s, 3 h 5 min."""
    if seconds < 0.9995:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min" if whole % 3600 >= 60 else f"{whole // 3600} h"


def format_time(at: float, now: float | None = None) -> Html:
    """A moment (seconds since the epoch) as how long ago; the exact time stands in the tooltip. 0 is a dash."""
    if at <= 0:
        return Html("—")
    ago = (time.time() if now is None else now) - at
    if ago < 60:
        words = "just now"
    elif ago < 86400:
        minutes = int(ago // 60)
        words = f"{minutes} min ago" if minutes < 60 else f"{minutes // 60} h ago"
    else:
        words = time.strftime("%Y-%m-%d", time.gmtime(at))
    exact = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    return Html(f'<time datetime="{exact}" title="{exact.replace("T", " ").replace("Z", " UTC")}">{words}</time>')
