"""Pictures and sounds of cells, small enough to stand in a page: as data URLs, made anew from what they hold."""

import base64
import io
import struct
from typing import TYPE_CHECKING

from studio.data import details

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 160  # pixels of a picture's longer side
MOST_PIXELS = 50_000_000  # of a picture that is decoded
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
AS_IT_IS = 100_000  # bytes of a sound that is sent whole
SECONDS = 10  # of a longer one


def data_url(content: bytes) -> str:
    """A small picture, or a sound or its first ten seconds, for `src`; "" for what is neither."""
    return picture(content) or sound(content)


def picture(content: bytes) -> str:
    """At most 160 pixels wide and high, as WebP; "" for what is no picture."""
    small = decoded(content)
    if small is None:
        return ""
    small.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    small.save(out, "WEBP", quality=85)
    return _url("image/webp", out.getvalue())


def decoded(content: bytes) -> "Image | None":
    """A picture, upright; a large JPEG at a smaller scale. None for what is none."""
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None
            opened.draft("RGB", (2 * SIDE, 2 * SIDE))
            clear = opened.mode in ("RGBA", "LA", "PA") or "transparency" in opened.info
            return ImageOps.exif_transpose(opened).convert("RGBA" if clear else "RGB")
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError):
        return None


def sound(content: bytes) -> str:
    """A short sound as it is, of a longer one the first ten seconds as Ogg Vorbis; "" for what is no sound."""
    kind = details.media_type(content)
    if kind.startswith("audio/") and len(content) <= AS_IT_IS:
        return _url(kind, content)
    return _url("audio/ogg", cut) if (cut := _start(content)) else ""


def _start(content: bytes) -> bytes:
    import soundfile

    out = io.BytesIO()
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as opened:
            rate = opened.samplerate
            with soundfile.SoundFile(out, "w", rate, 1, format="OGG", subtype="VORBIS") as written:
                for block in opened.blocks(rate, frames=SECONDS * rate, dtype="float32", always_2d=True):
                    written.write(block.mean(axis=1))
    except (RuntimeError, ValueError, TypeError):
        return b""
    return out.getvalue()


def _url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
