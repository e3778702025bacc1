"""Speaks words with the synthetic voices of flite, espeak-ng and hibari, to learn from and to measure on.

flite and espeak-ng are run from their Debian packages, unpacked into a temporary folder; nothing is installed.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from studio.starter import kit
from studio.starter import voice as hibari
from studio.starter.build.audio import sound
from studio.starter.build.sources import Wheel, fetch_deb

Engine = Literal["flite", "espeak-ng", "hibari"]
ESPEAK = "1.51+dfsg-10+deb12u2"
PACKAGES = (
    Wheel("flite", "2.2-5", "f4ce03470bf9974c2cb9cacd981e6be29339ef4c97cf994dd6fa3f90e6544db9"),
    Wheel("libflite1", "2.2-5", "bfa8c591f1b47730b30b372ec38e02918a1c9795eada67684e1746390ad2f061"),
    Wheel("espeak-ng", ESPEAK, "a11396a690f85f55e6e6b2965505237ddf3dc95c51936aa61de936f1ccf8f4d0"),
    Wheel("espeak-ng-data", ESPEAK, "573f5661c6a5adcf949018baad158c4c773bf5579390ee5235a890f1cd694106"),
    Wheel("libespeak-ng1", ESPEAK, "2b127a95b50d92cbd7a615968d2ac1566e1cbc87e27bcda0c2894afb2407c6d2"),
    Wheel("libpcaudio0", "1.2-2", "5309759e4d129c7d9a601240cc6e62820ecfa86a1a98e207992ffa6a572dbcd2"),
    Wheel("libsonic0", "0.2.0-12", "9d60de6918ace0b10e3e4e95421befd08aaf03b5b2a3d71ceb799e0cf259916f"),
)
LIBRARIES = "usr/lib/x86_64-linux-gnu"
QUIET = 0.01  # of the loudest sample: what counts as silence around a word
MARGIN = 0.03  # seconds of silence that stay on either side
LOUDEST = 0.7


@dataclass(frozen=True)
class Voice:
    """One way to speak: `name` is the engine's, `pace` 1 is its own, `pitch` 0–99 is espeak-ng's (50 is its own)."""

    engine: Engine
    name: str
    pace: float = 1.0
    pitch: int = 50

    @property
    def label(self) -> str:
        """How rows name it."""
        return f"{self.engine} {self.name} pace {self.pace:g} pitch {self.pitch}"


@contextmanager
def programs() -> Iterator[Path]:
    """A folder with flite and espeak-ng for as long as the block runs; Debian on amd64 only."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "packages").mkdir()
        for package in PACKAGES:
            with fetch_deb(package, folder / "packages") as archive:
                archive.extractall(folder / "root", filter="data")
        yield folder / "root"


def say(root: Path, voice: Voice, text: str, rate: int) -> Any:
    """The text in that voice: float32 samples at `rate`, without silence around, all equally loud."""
    if voice.engine == "hibari":
        speech = hibari.speak(kit.entry("kit:hibari").path, text, speed=voice.pace)  # "no." would be read "number"
        samples = sound.resample(speech.samples, speech.rate, rate)
    else:
        samples = sound.decode(_run(root, _command(root, voice, text)), rate)
    return trim(samples, rate)


def trim(samples: Any, rate: int) -> Any:
    """Without the silence before and after, and as loud as all others."""
    import numpy as np

    loud = np.abs(samples).max()
    heard = np.flatnonzero(np.abs(samples) > QUIET * loud)
    margin = int(MARGIN * rate)
    return samples[max(0, heard[0] - margin) : heard[-1] + margin] / loud * LOUDEST


def _command(root: Path, voice: Voice, text: str) -> Sequence[str]:
    if voice.engine == "flite":
        stretch = f"duration_stretch={1 / voice.pace:.3f}"
        return [str(root / "usr/bin/flite"), "-voice", voice.name, "--setf", stretch, "-t", text]
    words = str(round(160 * voice.pace))
    return [str(root / "usr/bin/espeak-ng"), "-v", voice.name, "-s", words, "-p", str(voice.pitch), text]


def _run(root: Path, command: Sequence[str]) -> bytes:
    libraries = root / LIBRARIES
    data = {"LD_LIBRARY_PATH": str(libraries), "ESPEAK_DATA_PATH": str(libraries / "espeak-ng-data")}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "said.wav"
        flag = "-o" if command[0].endswith("flite") else "-w"
        subprocess.run([*command[:1], flag, str(file), *command[1:]], check=True, env=os.environ | data)
        return file.read_bytes()
