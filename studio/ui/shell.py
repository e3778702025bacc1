"""What stands around every page: sidebar, top bar on phones, page header, keyboard help. Own HTML, no gr.Sidebar.

The frame is the same for everybody; who is signed in and whether the Hub answers is filled in by studio.js.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from urllib.parse import urlencode

import gradio as gr

from studio import __version__
from studio.core.settings import ASSETS
from studio.ui.icons import icon
from studio.ui.page import Page
from studio.ui.parts import Html, join, text

STATIC = "/studio-static"
JOBS_CHANGED = "jobs-changed"
_SHORTCUTS = (("g then a letter", "open a page"), ("/", "go to the first field"), ("t", "light, dark or system"))


def frame(page: Page, pages: Sequence[Page]) -> None:
    """Put the shell around the page that is being built."""
    gr.HTML(frame_html(page, pages), elem_classes="studio-frame", apply_default_css=False)


def frame_html(page: Page, pages: Sequence[Page]) -> Html:
    """Skip link, top bar, sidebar and the help dialog."""
    keys = shortcuts(pages)
    return Html(
        '<a class="skip-link" href="#main">Skip to content</a>'
        f'<header class="topbar">{_brand()}<button type="button" class="icon-button" data-menu aria-expanded="false" '
        f'aria-controls="sidebar" aria-label="Menu">{icon("menu", size=22)}</button></header>'
        f'<aside id="sidebar" class="sidebar" aria-label="Studio">{_brand()}<nav aria-label="Main">'
        f"{_navigation(page, pages, keys)}</nav>"
        f"{_foot()}</aside><div class='scrim' data-menu-close></div>{_help(keys)}"
    )


def header(page: Page, chips: Sequence[Html] = ()) -> gr.HTML:
    """The page's h1, what it is for, and chips; give new chips with `header_html` as the component's value."""
    return gr.HTML(header_html(page, chips), elem_classes="page-header", apply_default_css=False)


def header_html(page: Page, chips: Sequence[Html] = ()) -> Html:
    """The markup of `header`."""
    return Html(
        f'<div class="page-head" id="main" tabindex="-1" data-title="{text(page.title)}">'
        f"<div><h1>{text(page.title)}</h1>"
        f'<p>{text(page.purpose)}</p></div><div class="chips">{join(chips)}</div></div>'
    )


def jobs_changed() -> gr.Button:
    """An invisible button that studio.js presses whenever the caller's list of jobs has changed: listen to `.click`."""
    return gr.Button("Jobs changed", elem_id=JOBS_CHANGED, visible="hidden")


def shortcuts(pages: Sequence[Page]) -> Mapping[str, str]:
    """Path → the letter that opens it after g: the first free one of its title."""
    taken: dict[str, str] = {}
    for page in pages:
        letters = (letter for letter in page.title.lower() if letter.isascii() and letter.isalpha())
        letter = next((letter for letter in letters if letter not in taken.values()), "")
        if letter:
            taken[page.path] = letter
    return taken


def head() -> str:
    """What goes into <head>: stylesheet and script, at addresses that change with their content."""
    return (
        '<meta name="color-scheme" content="light dark">'
        f'<link rel="preload" href="{STATIC}/fonts/inter-latin-wght-normal.woff2" as="font" type="font/woff2" '
        "crossorigin>"
        f'<link rel="stylesheet" href="{static("studio.css")}"><script src="{static("studio.js")}"></script>'
        f'<script src="{static("playground.js")}"></script><script src="{static("questions.js")}"></script>'
        f'<script src="{static("datasets.js")}"></script><script src="{static("annotate.js")}"></script>'
    )


@cache
def static(name: str) -> str:
    """The address of an asset, with a version that lets browsers keep it for ever."""
    digest = hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:12]
    return f"{STATIC}/{name}?{urlencode({'v': digest})}"


def _brand() -> str:
    logo = f'<img src="{static("logo.svg")}" alt="" width="28" height="28">'
    return f'<a class="brand" href="/">{logo}<span>Studio</span></a>'


def _navigation(current: Page, pages: Sequence[Page], keys: Mapping[str, str]) -> str:
    groups: dict[str, list[Page]] = {}
    for page in pages:
        groups.setdefault(page.group, []).append(page)
    return "".join(
        (f'<p class="group">{text(group)}</p>' if group else "")
        + "<ul>"
        + "".join(_entry(page, keys.get(page.path, ""), current=page.path == current.path) for page in members)
        + "</ul>"
        for group, members in groups.items()
    )


def _entry(page: Page, key: str, *, current: bool) -> str:
    mark = ' aria-current="page"' if current else ""
    inside = f"{icon(page.icon)}<span>{text(page.title)}</span>"
    return f'<li><a href="/{text(page.path)}"{mark} data-key="{key}">{inside}</a></li>'


def _foot() -> str:
    modes = (("light", "sun", "Light"), ("dark", "moon", "Dark"), ("system", "screen", "System"))
    buttons = "".join(
        f'<button type="button" data-theme-mode="{mode}" aria-pressed="false" aria-label="{name}" title="{name}">'
        f"{icon(picture, size=16)}</button>"
        for mode, picture, name in modes
    )
    return (
        '<div class="foot"><span class="hub-chip" data-hub hidden></span>'
        '<div class="account" data-account hidden></div>'
        f'<div class="foot-row"><div class="modes" role="group" aria-label="Colours">{buttons}</div>'
        '<button type="button" class="icon-button small" data-help aria-label="Keyboard" title="Keyboard (?)">'
        f'{icon("help", size=16)}</button><span class="version">{__version__}</span></div></div>'
    )


def _help(keys: Mapping[str, str]) -> str:
    rows = "".join(f"<div><dt><kbd>{text(key)}</kbd></dt><dd>{text(what)}</dd></div>" for key, what in _SHORTCUTS)
    pages = "".join(
        f"<div><dt><kbd>g</kbd> <kbd>{text(key)}</kbd></dt><dd>/{text(path)}</dd></div>" for path, key in keys.items()
    )
    return (
        '<dialog class="help" aria-labelledby="help-title"><h2 id="help-title">Keyboard</h2>'
        f'<dl>{rows}{pages}</dl><label><input type="checkbox" data-keys checked> Use these keys</label>'
        '<form method="dialog"><button class="button">Close</button></form></dialog>'
    )
