"""Sounds and videos to play, and what was said in them."""

import io
from typing import Any

from studio.core.types import Modality
from studio.ui import parts
from studio.ui.modalities.asked import Asked
from studio.ui.modalities.pictures import uri
from studio.ui.modalities.words import written
from studio.ui.parts import Html, join, text

KINDS = {b"RIFF": "audio/wav", b"fLaC": "audio/flac", b"OggS": "audio/ogg", b"ID3": "audio/mpeg"}
ENDINGS = {"audio/wav": "wav", "audio/flac": "flac", "audio/ogg": "ogg", "audio/mpeg": "mp3"}
IN_PAGE_BYTES = 12_000_000  # a larger file is not put into the page a second time
WAVE_SECONDS = 180  # a longer sound is played without a drawing
WAVE_BARS, WAVE_HEIGHT = 220, 56


def audio(value: Any, _asked: Asked) -> Html:
    """A player with the sound's shape, and the file."""
    kind = next((name for start, name in KINDS.items() if value.startswith(start)), "audio/mpeg")
    link = f'<a class="copy" download="sound.{ENDINGS[kind]}" href="{uri(value, kind)}">Download</a>'
    about = f'<p class="beside"><span>{parts.format_bytes(len(value))}</span>{link}</p>'
    return Html(f'<section class="framed player">{_player(value, kind)}{about}</section>')


def video(value: Any, _asked: Asked) -> Html:
    """A player."""
    return Html(
        f'<figure class="picture"><video controls src="{uri(value, "video/mp4")}"></video>'
        f"<figcaption><span>{parts.format_bytes(len(value))}</span></figcaption></figure>"
    )


def transcript(value: Any, asked: Asked) -> Html:
    """What was said; with times, each part leads to its place in the sound."""
    said = written({"text": str(value["text"]).strip()})
    given = asked.values(Modality.AUDIO)
    chunks = [one for one in value.get("chunks") or () if one.get("timestamp")]
    if not given or len(given[0]) > IN_PAGE_BYTES:
        player = Html("")
    else:
        kind = next((name for start, name in KINDS.items() if given[0].startswith(start)), "audio/mpeg")
        player = _player(given[0], kind)
    listed = join(_chunk(one, linked=bool(player)) for one in chunks)
    spoken = Html(f'<ol class="chunks">{listed}</ol>') if chunks else Html("")
    return join([said, Html(f'<section class="framed player">{player}{spoken}</section>') if player or chunks else ""])


def _chunk(one: dict[str, Any], *, linked: bool) -> Html:
    start, end = one["timestamp"]
    start = float(start or 0)
    until = f"{float(end):.2f}" if end is not None else ""
    times = text(f"{_clock(start)} – {_clock(float(end)) if end is not None else 'end'}")
    label = f'<button type="button" data-seek="{start:.2f}" data-until="{until}">{times}</button>'
    return Html(f"<li>{label if linked else f'<span>{times}</span>'}<span>{text(str(one['text']).strip())}</span></li>")


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"


def _player(content: bytes, kind: str) -> Html:
    return join([_wave(content), Html(f'<audio controls preload="metadata" src="{uri(content, kind)}"></audio>')])


def _wave(content: bytes) -> Html:
    """The sound's loudness over time as thin bars; nothing for what only the browser can read."""
    import numpy as np
    import soundfile

    try:
        if soundfile.info(io.BytesIO(content)).duration > WAVE_SECONDS:
            return Html("")
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return Html("")
    if not len(samples):
        return Html("")
    loud = np.nan_to_num(np.abs(samples).max(axis=1))
    peaks = [float(part.max()) for part in np.array_split(loud, min(WAVE_BARS, len(loud)))]
    loudest = max(peaks) or 1.0
    width = 1000 / len(peaks)
    bars = "".join(
        f'<rect x="{number * width:.1f}" y="{(1 - peak / loudest) * WAVE_HEIGHT / 2:.1f}" width="{width * 0.62:.1f}" '
        f'height="{max(1.5, peak / loudest * WAVE_HEIGHT):.1f}" rx="1"/>'
        for number, peak in enumerate(peaks)
    )
    seconds = len(samples) / rate
    return Html(
        f'<svg class="wave" viewBox="0 0 1000 {WAVE_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="A sound of {seconds:.1f} seconds">{bars}<line class="now" y1="0" y2="{WAVE_HEIGHT}"/></svg>'
    )
