"""Sound as the kit keeps it: mono float32 samples in memory, FLAC bytes in Parquet; and how speech is scored."""

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.starter.build import tables
from studio.starter.sound import decode, resample

__all__ = ["decode", "resample"]

Column = Mapping[str, Sequence[Any]]


def encode(samples: Any, rate: int) -> bytes:
    """FLAC of 16 bits; samples beyond ±1 are clipped."""
    import numpy as np
    import soundfile

    target = io.BytesIO()
    soundfile.write(target, np.clip(samples, -1, 1), rate, format="FLAC", subtype="PCM_16")
    return target.getvalue()


def encode_small(samples: Any, rate: int) -> bytes:
    """MP3 of about 2 kB for a word: a quarter of FLAC, where a little loss does not matter."""
    import numpy as np
    import soundfile

    target = io.BytesIO()
    clipped = np.clip(samples, -1, 1)
    soundfile.write(target, clipped, rate, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.7)
    return target.getvalue()


def write_split(sounds: Sequence[tuple[str, bytes]], columns: Column, file: Path) -> None:
    """One split with a column `audio` of (file name, bytes), as `datasets` shows it, and text columns."""
    import pyarrow as pa

    audio = [{"bytes": content, "path": name} for name, content in sounds]
    fields = [("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))]
    schema = pa.schema([*fields, *((name, pa.string()) for name in columns)])
    tables.write_split({"audio": audio, **columns}, file, schema)


def passages(samples: Iterable[Any], texts: Sequence[str], rate: int, seconds: float) -> list[tuple[Any, str]]:
    """Short clips joined, with half a second of silence between them, to passages of at most `seconds`.

    A recogniser that always hears 30 seconds then needs one look for many clips.
    """
    import numpy as np

    found: list[tuple[list[Any], list[str]]] = []
    length = float("inf")
    for clip, text in zip(samples, texts, strict=True):
        needed = len(clip) + rate // 2
        if length + needed > seconds * rate:
            found.append(([], []))
            length = 0
        found[-1][0].extend((clip, np.zeros(rate // 2, dtype=np.float32)))
        found[-1][1].append(text)
        length += needed
    return [(np.concatenate(clips), " ".join(words)) for clips, words in found]


def word_error_rate(said: Sequence[str], heard: Sequence[str]) -> float:
    """Wrong, missing and added words as a share of the words that were said; case, signs and ways of writing numbers
    do not count (Whisper's own normalizer, with jiwer).
    """
    import jiwer
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    normal = EnglishTextNormalizer({})
    return float(jiwer.wer([normal(text) for text in said], [normal(text) for text in heard]))
