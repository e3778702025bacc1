"""What visitors give, checked before a model sees it: texts, images, sounds, videos. Errors name the slot."""

import io
import math
from collections.abc import Mapping
from typing import Any

from studio.core.errors import InvalidInput
from studio.starter import sound

MAX_PIXELS = 50_000_000  # 200 MB as RGBA
MAX_SECONDS = 15 * 60  # of sound: an hour of 16 kHz takes 230 MB, and minutes of work
MAX_VIDEO_SECONDS = 120
MAX_TEXT = 1_000_000  # characters
MAX_RATIO = 50  # of a picture's sides: models scale the short side up, and the long one with it
SHORTEST = 0.1  # seconds; of less, models have no frame
RATES = (1_000, 384_000)  # hertz; with others a resampler's filter fills the memory


def text(inputs: Mapping[str, Any], name: str = "inputs", empty: str = "The text is empty; write one.") -> str:
    """A text that is not empty. Lone surrogates, which stop tokenizers, are replaced."""
    given = inputs.get(name)
    if not isinstance(given, str):
        raise InvalidInput(name, _shown(given), "Give one text.")
    if not given.strip():
        raise InvalidInput(name, given, empty)
    if len(given) > MAX_TEXT:
        raise InvalidInput(name, f"{len(given):,} characters", f"At most {MAX_TEXT:,} are read.")
    return given.encode("utf-8", "replace").decode()


def texts(inputs: Mapping[str, Any], name: str, most: int = 10_000) -> list[str]:
    """A list of texts, none of them empty."""
    given = inputs.get(name)
    if not isinstance(given, list) or not given:
        raise InvalidInput(name, _shown(given), "Give a list of texts, one at least.")
    if len(given) > most:
        raise InvalidInput(name, f"{len(given):,} texts", f"At most {most:,} are taken at once.")
    return [text({name: one}, name) for one in given]


def image(inputs: Mapping[str, Any], name: str = "inputs") -> Any:
    """A picture as PIL image, RGB, upright as its EXIF data says; of an animation the first frame."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    content = _bytes(inputs, name, "an image")
    bomb = InvalidInput(name, "an image of this size", f"At most {MAX_PIXELS:,} pixels are taken; make it smaller.")
    try:
        with Image.open(io.BytesIO(content)) as opened:
            width, height = opened.size
            if width * height > MAX_PIXELS:
                given = f"{width:,} × {height:,} pixels"
                raise InvalidInput(name, given, f"At most {MAX_PIXELS:,} pixels are taken; make it smaller.")
            if max(width, height) > MAX_RATIO * min(width, height):
                expected = f"A side may be {MAX_RATIO} times the other at most; cut it."
                raise InvalidInput(name, f"{width:,} × {height:,} pixels", expected)
            upright = ImageOps.exif_transpose(opened)
            if "A" in upright.getbands() or "transparency" in upright.info:  # what shines through is white
                upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright.convert("RGBA"))
            return _eight_bits(upright).convert("RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise bomb from None
    except UnidentifiedImageError:
        expected = "It is no image that can be read; PNG, JPEG, WebP, GIF, BMP and TIFF are."
        raise InvalidInput(name, _kind(content), expected) from None
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for damaged files
        raise InvalidInput(name, "this image", f"It is damaged ({type(error).__name__}).") from None


def _eight_bits(picture: Any) -> Any:
    """The same picture, where it is grey with more bits (scans, X-rays) scaled down: Pillow would clip it to white."""
    import numpy as np
    from PIL import Image

    if not picture.mode.startswith(("I", "F")):
        return picture
    values = np.nan_to_num(np.asarray(picture, np.float64))
    most = 1 if picture.mode == "F" and values.max() <= 1 else 255 if picture.mode == "F" else 65_535
    return Image.fromarray((values.clip(0, most) * (255 / most)).round().astype(np.uint8))


def audio(inputs: Mapping[str, Any], rate: int, name: str = "inputs") -> Any:
    """A sound as float32 samples of shape (n,), mono, at `rate` hertz, within about ±1."""
    import soundfile

    content = _bytes(inputs, name, "a sound file")
    try:
        info = soundfile.info(io.BytesIO(content))
    except soundfile.LibsndfileError:
        samples, found = _by_ffmpeg(content, name)
    else:
        _check_rate(info.samplerate, name)
        _check_length(info.frames / info.samplerate, name)
        try:
            samples, found = sound.decode(content, info.samplerate), info.samplerate
        except soundfile.LibsndfileError:
            raise InvalidInput(name, "this sound file", "It is damaged.") from None
    if len(samples) < SHORTEST * found:
        raise InvalidInput(name, f"{len(samples)} samples", "There is no sound in it; record one second at least.")
    if not math.isfinite(float(abs(samples).max())):
        raise InvalidInput(name, "this sound file", "Its samples are not numbers.")
    return sound.resample(samples, found, rate)


def frames(inputs: Mapping[str, Any], count: int, every: int = 1, name: str = "inputs") -> Any:
    """`count` frames of a video, uint8, count × height × width × 3: each `every`th one from the start, the last one
    again where it is too short.
    """
    import av
    import numpy as np

    content = _bytes(inputs, name, "a video")
    found: list[Any] = []
    try:
        with av.open(io.BytesIO(content), "r") as container:
            if not container.streams.video:
                raise InvalidInput(name, "this file", "There is no picture in it; give a video.")
            stream = container.streams.video[0]
            seconds = float((container.duration or 0) / av.time_base)
            if seconds > MAX_VIDEO_SECONDS:
                raise InvalidInput(name, f"{seconds:,.0f} s", f"At most {MAX_VIDEO_SECONDS} s are taken.")
            if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
                raise InvalidInput(name, "a video of this size", f"At most {MAX_PIXELS:,} pixels are taken.")
            for number, frame in enumerate(container.decode(stream)):
                if number % every == 0:
                    found.append(frame.to_ndarray(format="rgb24"))
                if len(found) == count:
                    break
    except av.FFmpegError:
        expected = "It is no video that can be read; MP4, WebM, MOV and AVI are."
        raise InvalidInput(name, _kind(content), expected) from None
    if not found:
        raise InvalidInput(name, "this video", "There is no frame in it.")
    return np.stack(found + [found[-1]] * (count - len(found)))


def png(picture: Any) -> bytes:
    """A PIL image as the bytes of a PNG."""
    target = io.BytesIO()
    picture.save(target, format="PNG")
    return target.getvalue()


def shrunk(picture: Any, longest: int) -> Any:
    """A PIL image with no side above `longest`; the same one where none is."""
    if max(picture.size) <= longest:
        return picture
    smaller = picture.copy()
    smaller.thumbnail((longest, longest))
    return smaller


def wav(samples: Any, rate: int) -> bytes:
    """Float samples, (n,) or (n, channels), as the bytes of a WAV file, 16 bits; what is beyond ±1 is clipped."""
    import numpy as np
    import soundfile

    target = io.BytesIO()
    soundfile.write(target, np.clip(samples, -1, 1), rate, format="WAV", subtype="PCM_16")
    return target.getvalue()


def _by_ffmpeg(content: bytes, name: str) -> tuple[Any, int]:
    """Samples of what libsndfile does not read: M4A, WebM, and the sound of videos."""
    import av
    import numpy as np

    parts: list[Any] = []
    count = 0
    try:
        with av.open(io.BytesIO(content), "r") as container:
            if not container.streams.audio:
                raise InvalidInput(name, "this file", "There is no sound in it.")
            stream = container.streams.audio[0]
            rate = int(stream.rate or 0)
            _check_rate(rate, name)
            _check_length(float((container.duration or 0) / av.time_base), name)
            resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
            for frame in container.decode(stream):
                parts += [one.to_ndarray()[0] for one in resampler.resample(frame)]
                count += frame.samples
                _check_length(count / rate, name)
    except av.FFmpegError:
        expected = "It is no sound that can be read; WAV, FLAC, MP3, OGG, M4A and WebM are."
        raise InvalidInput(name, _kind(content), expected) from None
    return np.concatenate(parts) if parts else np.zeros(0, np.float32), rate


def _check_rate(rate: int, name: str) -> None:
    least, most = RATES
    if not least <= rate <= most:
        raise InvalidInput(name, f"{rate:,} samples a second", f"From {least:,} to {most:,} are read.")


def _check_length(seconds: float, name: str) -> None:
    if seconds > MAX_SECONDS:
        raise InvalidInput(
            name, f"{seconds / 60:,.0f} minutes", f"At most {MAX_SECONDS // 60} minutes are taken at once; cut it."
        )


def _bytes(inputs: Mapping[str, Any], name: str, wanted: str) -> bytes:
    content = inputs.get(name)
    if not isinstance(content, bytes):
        raise InvalidInput(name, _shown(content), f"Give {wanted}.")
    if not content:
        raise InvalidInput(name, "an empty file", f"Give {wanted}.")
    return content


def _shown(value: object) -> object:
    return "a file" if isinstance(value, bytes) else "nothing" if value is None else value


def _kind(content: bytes) -> str:
    """What a file seems to be, by its first bytes."""
    known = {b"ftyp": "an MP4 video", b"\x1aE\xdf\xa3": "a WebM video", b"%PDF": "a PDF file", b"PK": "a zip archive"}
    return next((kind for start, kind in known.items() if start in content[:12]), "this file")
