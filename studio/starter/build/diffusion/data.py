"""Pictures and prompts for `kit:tiny-sd`: what is drawn, in which colours, and how that is said.

A picture with a colour is one tone: its light and dark parts become lighter and darker shades of that colour.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

SIZE = 64  # pixels of a side
COLOURS = {
    "red": (0.88, 0.10, 0.12),
    "orange": (0.98, 0.52, 0.05),
    "yellow": (0.96, 0.82, 0.08),
    "green": (0.13, 0.62, 0.20),
    "teal": (0.05, 0.62, 0.65),
    "blue": (0.12, 0.30, 0.88),
    "purple": (0.50, 0.14, 0.68),
    "pink": (0.98, 0.45, 0.70),
    "black": (0.06, 0.06, 0.07),
}
OWN = ""  # in place of a colour: the picture's own
HELD_OUT = 11  # one pair of subject and colour in so many is never trained on
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CLOTHES = ("t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
SHAPES = ("circle", "square", "triangle", "diamond", "pentagon", "star", "heart", "ring", "cross")
PLURAL = ("trousers", "cherries", "grapes", "fries", "headphones", "scissors", "sunglasses")
PLAIN = ("{a}{n}", "{n}", "a picture of {a}{n}", "a drawing of {a}{n}")
EMOJI_PLAIN = (*PLAIN, "{a}{n} emoji", "an emoji of {a}{n}")

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Subject:
    """One thing that can be drawn.

    Attributes:
        family: "emoji", "digit", "clothes" or "shape"; only emoji have colours of their own.
        names: what prompts call it; the first is the usual one.
        icon: the emoji's name in its package.
    """

    family: str
    names: tuple[str, ...]
    icon: str = ""

    @property
    def name(self) -> str:
        """What it is usually called."""
        return self.names[0]


@dataclass(frozen=True)
class Pool:
    """Pictures before they are tinted.

    Attributes:
        pixels: uint8, pictures x 64 x 64 x 3.
        subjects: for each picture, the number of its subject in `SUBJECTS`.
    """

    pixels: Pixels
    subjects: npt.NDArray[np.int64]


def _emoji() -> Iterator[Subject]:
    faces = "grinning angry crying winking"
    same = (
        "ant bat bear butterfly camel crocodile dolphin duck elephant fish flamingo fox frog giraffe jellyfish "
        "koala lion octopus owl panda parrot penguin shark snail snake spider turtle unicorn whale crab cactus "
        "mushroom rose sunflower tulip palm-tree avocado banana bread broccoli carrot cherries cookie cupcake "
        "doughnut egg eggplant grapes hamburger lemon lollipop pear pineapple pizza popcorn pretzel strawberry "
        "tomato watermelon ghost robot skull alien snowman alarm-clock anchor axe backpack balloon baseball "
        "basketball bed bell bicycle camera chair crown drum envelope fire gear guitar hammer house key laptop "
        "magnet pencil rocket scissors sunglasses top-hat trophy umbrella teddy-bear airplane bus castle cloud "
        "helicopter sailboat sun snowflake tractor volcano rainbow"
    )
    other = {
        "cat-face": "cat",
        "dog-face": "dog",
        "cow-face": "cow",
        "horse-face": "horse",
        "monkey-face": "monkey",
        "mouse-face": "mouse",
        "pig-face": "pig",
        "rabbit-face": "rabbit",
        "tiger-face": "tiger",
        "ewe": "sheep",
        "honeybee": "bee",
        "lady-beetle": "ladybird",
        "blossom": "flower",
        "deciduous-tree": "tree",
        "evergreen-tree": "fir tree",
        "four-leaf-clover": "clover",
        "birthday-cake": "cake",
        "cheese-wedge": "cheese",
        "french-fries": "fries",
        "soft-ice-cream": "ice cream",
        "red-apple": "apple",
        "jack-o-lantern": "pumpkin",
        "light-bulb": "light bulb",
        "gem-stone": "gem",
        "headphone": "headphones",
        "locked": "padlock",
        "soccer-ball": "football",
        "wrapped-gift": "gift",
        "automobile": "car",
        "crescent-moon": "moon",
        "delivery-truck": "truck",
        "game-die": "dice",
        "smiling-face-with-sunglasses": "cool face",
    }
    for icon in same.split():
        yield Subject("emoji", (icon.replace("-", " "),), icon)
    for face in faces.split():
        yield Subject("emoji", (f"{face} face",), f"{face}-face")
    for icon, name in other.items():
        yield Subject("emoji", (name,), icon)


SUBJECTS = (
    *_emoji(),
    *(Subject("digit", (f"digit {name}", f"number {name}", name)) for name in DIGITS),
    *(Subject("clothes", ("sneaker", "shoe") if name == "sneaker" else (name,)) for name in CLOTHES),
    *(Subject("shape", (name,)) for name in SHAPES),
)


def is_held_out(subject: int, colour: str) -> bool:
    """Whether this pair is kept from every training, so that drawing it shows more than memory."""
    return colour != OWN and (7 * subject + 3 * list(COLOURS).index(colour)) % HELD_OUT == 0


def colours_of(subject: int) -> list[str]:
    """Every colour that the subject is trained in, its own among them if it has one."""
    own = [OWN] if SUBJECTS[subject].family == "emoji" else []
    return own + [colour for colour in COLOURS if not is_held_out(subject, colour)]


def phrase(subject: int, colour: str, choice: random.Random) -> str:
    """One of the ways to ask for a subject in a colour: "a picture of a red cat"."""
    one = SUBJECTS[subject]
    name = choice.choice(one.names)
    template = choice.choice(EMOJI_PLAIN if one.family == "emoji" else PLAIN)
    return _fill(template, f"{colour} {name}".strip(), name in PLURAL)


def usual_phrase(subject: int, colour: str) -> str:
    """The plainest way to ask: "a red cat"."""
    name = SUBJECTS[subject].name
    return _fill(PLAIN[0], f"{colour} {name}".strip(), name in PLURAL)


def _fill(template: str, noun: str, is_plural: bool) -> str:
    is_open = noun.startswith(("a", "e", "i", "o", "u", "hour")) and not noun.startswith(("uni", "one"))
    article = "" if is_plural else "an " if is_open else "a "
    return template.format(a=article, n=noun)


def words() -> list[str]:
    """Every word of every prompt, sorted."""
    said = " ".join(EMOJI_PLAIN).replace("{a}", " ").replace("{n}", " ").split()
    names = " ".join(name for one in SUBJECTS for name in one.names).split()
    others = ["a", "an", "the", "one", "in", "on", "of", "and", "with", "photo", "image", "white", "background"]
    return sorted({*said, *names, *COLOURS, *others})


def tint(pixels: Any, colours: Sequence[str]) -> Any:
    """Batch of pictures in their colours.

    `pixels`: torch uint8, n x 64 x 64 x 3. Gives float32, n x 3 x 64 x 64, from -1 to 1. A picture whose colour is
    `OWN` keeps its own.
    """
    import torch

    picture = pixels.float().permute(0, 3, 1, 2) / 255
    light = 0.3 + 0.7 * (picture * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    table = torch.tensor([COLOURS.get(colour, (0.0, 0.0, 0.0)) for colour in colours])[:, :, None, None]
    toned = torch.where(light < 0.5, 2 * light * table, table + (1 - table) * (2 * light - 1))
    own = torch.tensor([colour == OWN for colour in colours])[:, None, None, None]
    return torch.where(own, picture, toned) * 2 - 1


def place(picture: Image.Image, choice: random.Random) -> Pixels:
    """The picture on 64 x 64 white pixels: a little smaller, shifted, at times mirrored."""
    side = round(SIZE * choice.uniform(0.8, 1.0))
    drawn = picture.resize((side, side), Image.Resampling.LANCZOS)
    if choice.random() < 0.5:
        drawn = drawn.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    canvas = Image.new("RGB", (SIZE, SIZE), "white")
    canvas.paste(drawn, (choice.randint(0, SIZE - side), choice.randint(0, SIZE - side)))
    return np.asarray(canvas)


def draw_shape(name: str, choice: random.Random) -> Pixels:
    """A filled shape, somewhat off the middle, of some size; grey, so that its tint is the colour itself."""
    big = 4 * SIZE
    canvas = Image.new("RGB", (big, big), "white")
    pen = ImageDraw.Draw(canvas)
    grey = (73, 73, 73)  # becomes 0.5 in `tint`, where a tone is the colour itself
    r = big * choice.uniform(0.26, 0.42)
    x, y = (big / 2 + (big / 2 - r) * choice.uniform(-0.4, 0.4) for _ in range(2))
    box = (x - r, y - r, x + r, y + r)
    if name == "circle":
        pen.ellipse(box, fill=grey)
    elif name == "ring":
        pen.ellipse(box, outline=grey, width=round(r * 0.35))
    elif name == "square":
        pen.rectangle((x - 0.85 * r, y - 0.85 * r, x + 0.85 * r, y + 0.85 * r), fill=grey)
    elif name == "cross":
        pen.rectangle((x - r, y - r * 0.3, x + r, y + r * 0.3), fill=grey)
        pen.rectangle((x - r * 0.3, y - r, x + r * 0.3, y + r), fill=grey)
    else:
        pen.polygon([(x + r * u, y - r * v) for u, v in _outline(name)], fill=grey)
    return np.asarray(canvas.resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def _outline(name: str) -> list[tuple[float, float]]:
    """Corners within the unit circle, upwards positive."""
    if name == "heart":
        turns = np.linspace(0, 2 * np.pi, 60)
        across = 16 * np.sin(turns) ** 3
        up = 13 * np.cos(turns) - 5 * np.cos(2 * turns) - 2 * np.cos(3 * turns) - np.cos(4 * turns)
        return [(float(u) / 17, float(v) / 17 + 0.1) for u, v in zip(across, up, strict=True)]
    corners = {"triangle": 3, "diamond": 4, "pentagon": 5, "star": 10}[name]
    radii = [0.42 if name == "star" and corner % 2 else 1.0 for corner in range(corners)]
    width = 0.7 if name == "diamond" else 1.0
    turns = 2 * np.pi * np.arange(corners) / corners
    return [
        (width * radius * float(np.sin(t)), radius * float(np.cos(t))) for radius, t in zip(radii, turns, strict=True)
    ]


def enlarge(ink: npt.NDArray[np.uint8]) -> Pixels:
    """One 28 x 28 picture in ink (255 is ink) as 64 x 64 grey ones, so toned that full ink takes the colour itself."""
    big = Image.fromarray(ink).resize((56, 56), Image.Resampling.BICUBIC)
    canvas = np.zeros((SIZE, SIZE), np.float32)
    canvas[4:60, 4:60] = np.asarray(big, np.float32)
    grey = (255 - canvas * (255 - 73) / 255).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
