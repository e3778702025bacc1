"""Sound files as mono float32 samples at the rate that a model wants."""

import io
from math import gcd
from typing import Any


def decode(content: bytes, rate: int) -> Any:
    """Samples of a sound file (anything that libsndfile reads), float32 of shape (n,), at `rate` hertz."""
    import soundfile

    samples, found = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    return resample(samples.mean(axis=1), found, rate)


def resample(samples: Any, rate: int, wanted: int) -> Any:
    """The same sound with another number of samples a second, float32."""
    import numpy as np
    from scipy.signal import resample_poly

    if rate != wanted:
        shared = gcd(rate, wanted)
        samples = resample_poly(samples, wanted // shared, rate // shared)
    return np.asarray(samples, dtype=np.float32)
