"""Pictures, and what was found in them: boxes, masks, depth, matching points. Files are put into the page itself."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studio.core.types import Modality
from studio.tasks import media
from studio.ui import parts
from studio.ui.modalities.asked import Asked
from studio.ui.modalities.words import nothing
from studio.ui.parts import Html, join, text

THUMBNAIL = 72
LONGEST = 1024  # pixels of a side that a page needs
MOST_LINES = 150  # matching points that are drawn, the surest first
MOST_LAYERS = 60
KINDS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
PALETTE = (  # the stylesheet's --c0 … --c7 of the light theme: on a picture they are the same in the dark one
    (79, 70, 229), (194, 99, 10), (11, 132, 120), (190, 42, 120), (37, 99, 171), (107, 122, 16), (138, 79, 196),
    (100, 116, 139),
)  # fmt: skip
MASK_ALPHA = 0.6
FAR, MIDDLE, NEAR = (30, 27, 75), (190, 42, 120), (253, 224, 132)


@dataclass(frozen=True)
class Preview:
    """A picture for the page: an address, and the size that boxes and points refer to."""

    uri: str
    width: int
    height: int


def preview(content: bytes) -> Preview:
    """A picture upright and small enough for a page; raises `InvalidInput` for what is none."""
    picture = media.image({"picture": content}, "picture")
    small = media.shrunk(picture, LONGEST)
    target = io.BytesIO()
    small.save(target, format="JPEG", quality=88)
    return Preview(uri(target.getvalue(), "image/jpeg"), *picture.size)


def thumbnail(content: bytes) -> str:
    """A picture of the size of a letter or two, as an address."""
    target = io.BytesIO()
    media.shrunk(media.image({"picture": content}, "picture"), THUMBNAIL).save(target, format="JPEG", quality=80)
    return uri(target.getvalue(), "image/jpeg")


def uri(content: bytes, kind: str) -> str:
    """A file as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def image(value: Any, _asked: Asked) -> Html:
    """One picture, or several."""
    pictures = value if isinstance(value, list) else [value]
    return join(_picture(one) for one in pictures)


def _picture(content: bytes) -> Html:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as opened:
        width, height = opened.size
    kind = next((name for start, name in KINDS.items() if content.startswith(start)), "image/png")
    address = uri(content, kind)
    about = f"{width} × {height}, {parts.format_bytes(len(content))}"
    ending = kind.removeprefix("image/")
    return Html(
        f'<figure class="picture"><img src="{address}" width="{width}" height="{height}" '
        'alt="The picture that was made">'
        f'<figcaption><span>{about}</span><a class="copy" download="picture.{ending}" href="{address}">Download</a>'
        "</figcaption></figure>"
    )


def boxes(value: Any, asked: Asked) -> Html:
    """Boxes over the picture; each kind can be hidden."""
    if not value:
        return nothing("Nothing was found that the model is sure enough of.")
    shown = preview(asked.values(Modality.IMAGE)[0])
    names = [str(one["label"]) for one in value]
    drawn = join(_box(one, shown, _colours(names)[str(one["label"])]) for one in value[:MOST_LAYERS])
    rows = [(one["label"], one["score"], _place(one["box"])) for one in value]
    table = parts.table(["Label", "Score", "Box (pixels)"], [(a, f"{float(b):.1%}", c) for a, b, c in rows], "Boxes")
    return join([_figure(shown, drawn, names), Html(f'<section class="framed">{table}</section>')])


def _box(one: dict[str, Any], shown: Preview, colour: int) -> Html:
    place = one["box"]
    left, top = 100 * place["xmin"] / shown.width, 100 * place["ymin"] / shown.height
    width = 100 * (place["xmax"] - place["xmin"]) / shown.width
    height = 100 * (place["ymax"] - place["ymin"]) / shown.height
    inside = " inside" if top < 6 else ""  # no room for the name above it
    return Html(
        f'<div class="box c{colour}{inside}" data-layer="{colour}" '
        f'style="left:{left:.3f}%;top:{top:.3f}%;width:{width:.3f}%;height:{height:.3f}%">'
        f"<span>{text(one['label'])} {float(one['score']):.0%}</span></div>"
    )


def _place(box: dict[str, Any]) -> str:
    return ", ".join(f"{box[side]:.0f}" for side in ("xmin", "ymin", "xmax", "ymax"))


def masks(value: Any, asked: Asked) -> Html:
    """Masks in colours over the picture; each can be hidden."""
    if not value:
        return nothing("Nothing was found that the model is sure enough of.")
    given = asked.values(Modality.IMAGE)
    shown = preview(given[0]) if given else None
    names = [str(one.get("label") or f"Mask {number + 1}") for number, one in enumerate(value)]
    if len(set(names)) == 1 and len(names) > 1:  # all are called the same: a number tells them apart
        names = [f"{name} {number + 1}" for number, name in enumerate(names)]
    colours = _colours(names)
    layers = []
    for name, one in zip(names[:MOST_LAYERS], value, strict=False):
        address, width, height = _layer(one["mask"], PALETTE[colours[name] % len(PALETTE)])
        shown = shown or Preview("", width, height)
        layers.append(Html(f'<img class="mask" data-layer="{colours[name]}" src="{address}" alt="">'))
    if shown is None:
        raise ValueError("no mask")
    scores = [(name, one.get("score")) for name, one in zip(names, value, strict=True) if one.get("score") is not None]
    bars = parts.value_bars([(name, float(score), f"{float(score):.1%}") for name, score in scores])
    framed = Html(f'<section class="framed">{bars}</section>') if scores else Html("")
    return join([_figure(shown, join(layers), names), framed])


def _layer(content: bytes, colour: tuple[int, int, int]) -> tuple[str, int, int]:
    """A mask as a picture in one colour that lets the rest shine through."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as opened:
        size = opened.size
        mask = media.shrunk(opened.convert("L"), LONGEST)
    layer = Image.new("RGBA", mask.size, (*colour, 0))
    layer.putalpha(mask.point(lambda one: round(one * MASK_ALPHA)))
    return uri(media.png(layer), "image/png"), *size


def depth(value: Any, asked: Asked) -> Html:
    """The picture and how near its parts are, side by side."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(value["depth"])) as opened:
        grey = ImageOps.autocontrast(media.shrunk(opened.convert("L"), LONGEST))
    coloured = media.png(ImageOps.colorize(grey, FAR, NEAR, mid=MIDDLE))
    first = [_plain(preview(one).uri, "The picture", "Picture") for one in asked.values(Modality.IMAGE)[:1]]
    second = _plain(uri(coloured, "image/png"), "How near its parts are", "Depth")
    scale = '<p class="scale"><span>far</span><i></i><span>near</span></p>'
    grey_file = uri(value["depth"], "image/png")
    link = f'<a class="copy" download="depth.png" href="{grey_file}">Download the depth map</a>'
    return Html(f'<section class="framed"><div class="pair">{join([*first, second])}</div>{scale}{link}</section>')


def _plain(address: str, alternative: str, caption: str) -> Html:
    return Html(f'<figure><img src="{address}" alt="{alternative}"><figcaption>{caption}</figcaption></figure>')


def keypoints(value: Any, asked: Asked) -> Html:
    """Two pictures beside each other, a line between the points that match."""
    if not value:
        return nothing("No point of the one picture was found in the other.")
    left, right = (preview(one) for one in asked.values(Modality.IMAGE)[:2])
    height = 480
    scales = height / left.height, height / right.height
    widths = left.width * scales[0], right.width * scales[1]
    gap = 16
    best = sorted(value, key=lambda one: -float(one.get("score", 1)))[:MOST_LINES]
    lines = join(_match(number, one, scales, widths[0] + gap) for number, one in enumerate(best))
    shown = f"{len(value):,} matches"
    if len(best) < len(value):
        shown = f"{len(best):,} of {shown}, the surest"
    return Html(
        f'<figure class="picture"><svg class="matches" viewBox="0 0 {sum(widths) + gap:.0f} {height}" role="img" '
        f'aria-label="Two pictures with {len(value)} matching points">'
        f'<image href="{left.uri}" width="{widths[0]:.1f}" height="{height}"/>'
        f'<image href="{right.uri}" x="{widths[0] + gap:.1f}" width="{widths[1]:.1f}" height="{height}"/>{lines}</svg>'
        f"<figcaption><span>{shown}</span></figcaption></figure>"
    )


def _match(number: int, one: dict[str, Any], scales: tuple[float, float], offset: float) -> Html:
    first, second = one["keypoint_image_0"], one["keypoint_image_1"]
    x1, y1 = first["x"] * scales[0], first["y"] * scales[0]
    x2, y2 = second["x"] * scales[1] + offset, second["y"] * scales[1]
    score = float(one.get("score", 1))
    return Html(
        f'<g class="c{number % len(PALETTE)}" opacity="{0.35 + 0.65 * min(1.0, max(0.0, score)):.2f}">'
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
        f'<circle cx="{x1:.1f}" cy="{y1:.1f}" r="3.5"/><circle cx="{x2:.1f}" cy="{y2:.1f}" r="3.5"/></g>'
    )


def _colours(names: Sequence[str]) -> dict[str, int]:
    return {name: number % len(PALETTE) for number, name in enumerate(dict.fromkeys(names))}


def _figure(shown: Preview, layers: Html, names: Sequence[str]) -> Html:
    """A picture with layers over it, and a switch for each colour."""
    image = f'<img src="{shown.uri}" alt="The picture that was given">' if shown.uri else '<div class="black"></div>'
    counts = {name: list(names).count(name) for name in dict.fromkeys(names)}
    by_colour: dict[int, list[str]] = {}
    for name, colour in _colours(names).items():
        by_colour.setdefault(colour, []).append(f"{name} ({counts[name]})" if counts[name] > 1 else name)
    switches = join(
        Html(
            f'<label class="c{colour}"><input type="checkbox" checked data-switch="{colour}">'
            f"<span>{text(', '.join(called))}</span></label>"
        )
        for colour, called in by_colour.items()
    )
    ratio = f"{shown.width} / {shown.height}"
    return Html(
        f'<figure class="picture layered"><div class="stage" style="aspect-ratio:{ratio}">{image}{layers}</div>'
        f'<figcaption role="group" aria-label="What is shown">{switches}</figcaption></figure>'
    )
