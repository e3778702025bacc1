"""Sound files as mono float32 samples at the rate that a model wants."""

import io
from math import gcd
from typing import Any

BLOCK = 1_000_000  # samples that are decoded at a time, of all channels together


def decode(content: bytes, rate: int) -> Any:
    """Samples of a sound file (anything that libsndfile reads), float32 of shape (n,), at `rate` hertz."""
    import numpy as np
    import soundfile

    with soundfile.SoundFile(io.BytesIO(content)) as file:  # block by block: many channels never lie side by side
        size = max(1, BLOCK // file.channels)
        parts = [block.mean(axis=1) for block in file.blocks(size, dtype="float32", always_2d=True)]
        samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        return resample(samples, file.samplerate, rate)


def resample(samples: Any, rate: int, wanted: int) -> Any:
    """The same sound with another number of samples a second, float32."""
    import numpy as np
    from scipy.signal import resample_poly

    if rate != wanted:
        shared = gcd(rate, wanted)
        samples = resample_poly(samples, wanted // shared, rate // shared)
    return np.asarray(samples, dtype=np.float32)
