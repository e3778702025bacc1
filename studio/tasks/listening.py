"""What tasks that hear share: sounds at the rate of their model, and how a snippet reads a sound file."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from studio.tasks import media, snippets
from studio.tasks.loading import Loaded

EXTRACTOR = "AutoFeatureExtractor"
READ = {".wav", ".flac", ".mp3", ".ogg"}  # by libsndfile; M4A, WebM and videos are read by FFmpeg
BY_SOUNDFILE = """samples, rate = soundfile.read({file}, dtype="float32", always_2d=True)
samples = samples.mean(axis=1)
"""
BY_FFMPEG = """with av.open({file}) as container:
    stream = container.streams.audio[0]
    rate = stream.rate
    mono = av.AudioResampler(format="flt", layout="mono", rate=rate)
    parts = [part.to_ndarray()[0] for frame in container.decode(stream) for part in mono.resample(frame)]
samples = np.concatenate(parts)
"""
AT_ITS_RATE = """wanted = pipe.feature_extractor.sampling_rate
sound = resample_poly(samples, wanted, rate).astype("float32")
"""


def sounds(pipe: Loaded, batch: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The inputs as samples at the rate that the pipeline's model hears; raises what `media.audio` raises."""
    return [media.audio(inputs, pipe.pipe.feature_extractor.sampling_rate) for inputs in batch]


def snippet(task: str, model: str, file: str, call: str, adapted: tuple[str, ...] | None = None) -> str:
    """As `snippets.with_pipeline`, with the sound of `file` as `sound` before the call."""
    plain = PurePath(file).suffix.lower() in READ
    read = (BY_SOUNDFILE if plain else BY_FFMPEG).format(file=snippets.quoted(file)) + AT_ITS_RATE
    imports = "import soundfile\n" if plain else "import av\nimport numpy as np\n"
    code = snippets.with_pipeline(task, model, call, adapted)
    if adapted:  # named by its folder, transformers 5.23 looks for it beside the model's, which has none
        code = code.replace("feature_extractor=adapter", f"feature_extractor={EXTRACTOR}.from_pretrained(adapter)")
        code = code.replace("import AutoConfig, ", f"import AutoConfig, {EXTRACTOR}, ")
    before, answer, after = code.partition("print(pipe(")
    return f"{imports}from scipy.signal import resample_poly\n{before}{read}{answer}{after}"
