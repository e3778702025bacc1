"""Pieces that every page with a card needs: what the linter says, who would publish, a push and its state."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from studio.core.errors import StudioError
from studio.core.types import Caller
from studio.hub.cards import CardProblem
from studio.jobs.job import Job
from studio.service import Studio
from studio.ui import parts
from studio.ui.parts import Html


def body_of(text: str) -> str:
    """The card without its metadata block."""
    pieces = text.split("---", 2)
    return pieces[2] if len(pieces) == 3 and not pieces[0].strip() else text


def problems(found: Sequence[CardProblem]) -> Html:
    """What the linter says."""
    if not found:
        return parts.notice("good", "Nothing to object to.")
    rows = [
        [
            parts.chip("bad" if problem.level == "error" else "warn", problem.level),
            problem.line or "—",
            problem.field,
            problem.message,
        ]
        for problem in found
    ]
    return parts.panel("To mend", parts.table(("Level", "Line", "Field", "What"), rows, "Problems of the card"))


def repository_name(title: str, otherwise: str) -> str:
    """A repository name from a title."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in title.lower())
    return "-".join(piece for piece in kept.split("-") if piece)[:80] or otherwise


def signed_in(studio: Studio, caller: Caller) -> list[Any]:
    """Who would publish: a notice, the owners to choose from, and whether the button works."""
    disabled = gr.update(interactive=False)
    if not studio.hub().reachable:
        text = "The Hub cannot be reached. The result is safe here; publish it when there is a network."
        return [parts.notice("warn", text), gr.update(choices=[], value=None), disabled]
    try:
        account = studio.account(caller)
    except StudioError as error:
        return [parts.notice("bad", str(error)), gr.update(choices=[], value=None), disabled]
    if account is None:
        text = "Sign in to publish: with the button in the sidebar, or locally with `hf auth login` or HF_TOKEN."
        return [parts.notice("info", text), gr.update(choices=[], value=None), disabled]
    owners = [account.name, *account.orgs]
    if not account.can_write:
        text = (
            f"Signed in as {account.name}, with a token that may only read. Make one with the role “write” on the "
            "Hub under Settings → Access tokens, and sign in with it."
        )
        return [parts.notice("warn", text), gr.update(choices=owners, value=account.name), disabled]
    return [
        parts.notice("good", f"Signed in as {account.name}."),
        gr.update(choices=owners, value=account.name),
        gr.update(interactive=True),
    ]


def newest_push(studio: Studio, caller: Caller, names: Sequence[str]) -> Job | None:
    """The latest push of what has one of these names."""
    for job in studio.jobs(caller, search="publish"):
        if job.recipe == "publish" and job.params.get("artifact") in names:
            return job
    return None


def push_panel(job: Job) -> Html:
    """A push, live."""
    body = parts.join(
        [
            parts.slot("state", parts.state_chip(job)),
            Html("&nbsp; "),
            parts.slot("message", job.progress.message),
            parts.slot("progress", parts.job_progress(job)),
            parts.slot("error", parts.notice("bad", job.error) if job.error else ""),
        ]
    )
    return parts.live(job.id, parts.panel("Publishing", body, parts.link("Log", f"/jobs?id={job.id}")))


def published(url: str) -> Html:
    """Where it was published."""
    return parts.notice("good", parts.join(["Published: ", parts.link(url, url)]))
