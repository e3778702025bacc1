"""Scenes of two to five emoji on coloured grounds: pictures whose boxes, masks, caption and answers are known exactly.

Any number of them can be drawn; `kit:emoji-scenes` is a fixed part. The looks (emoji) of a split stand in no other.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from studio.starter.build.vision import emoji
from studio.starter.build.vision.emoji import Emoji, Pixels

Split = Literal["train", "validation", "test"]
SIZE = 128  # pixels
THINGS = (2, 5)
SCALES = (26, 56)  # pixels that an emoji's picture takes, before it is turned
TURN = 20  # degrees, either way
HIDDEN = 0.25  # share of a thing that others may cover
CLEAR = 8  # pixels by which "left of", "biggest" and the like have to be true
TRIES = 40
LOOKS: dict[str, dict[Split, str]] = {
    "ball": {
        "train": "soccer-ball basketball tennis volleyball american-football bowling softball",
        "validation": "pool-8-ball",
        "test": "baseball rugby-football",
    },
    "bird": {
        "train": "bird duck eagle goose dove parrot rooster baby-chick flamingo",
        "validation": "peacock turkey",
        "test": "penguin swan owl",
    },
    "book": {
        "train": "blue-book green-book notebook open-book ledger",
        "validation": "closed-book",
        "test": "orange-book notebook-with-decorative-cover",
    },
    "building": {
        "train": "house hospital hotel school office-building department-store derelict-house church",
        "validation": "bank hut",
        "test": "house-with-garden post-office convenience-store",
    },
    "car": {
        "train": "automobile taxi delivery-truck ambulance sport-utility-vehicle minibus racing-car",
        "validation": "bus",
        "test": "police-car pickup-truck fire-engine",
    },
    "cat": {
        "train": "cat-face grinning-cat pouting-cat cat-with-wry-smile kissing-cat cat-with-tears-of-joy",
        "validation": "crying-cat",
        "test": "weary-cat smiling-cat-with-heart-eyes",
    },
    "clock": {
        "train": "alarm-clock mantelpiece-clock three-oclock ten-thirty seven-oclock twelve-oclock",
        "validation": "timer-clock",
        "test": "watch stopwatch",
    },
    "face": {
        "train": "grinning-face winking-face angry-face sleeping-face nerd-face star-struck thinking-face hot-face "
        "cold-face confused-face face-with-tears-of-joy partying-face",
        "validation": "zany-face hugging-face",
        "test": "smiling-face-with-sunglasses crying-face kissing-face face-with-monocle",
    },
    "flower": {
        "train": "blossom hibiscus rose tulip cherry-blossom hyacinth lotus",
        "validation": "bouquet",
        "test": "sunflower white-flower",
    },
    "fruit": {
        "train": "red-apple pear lemon banana strawberry grapes pineapple cherries mango",
        "validation": "kiwi-fruit melon",
        "test": "green-apple tangerine peach watermelon",
    },
    "heart": {
        "train": "red-heart blue-heart green-heart yellow-heart pink-heart white-heart black-heart",
        "validation": "orange-heart",
        "test": "purple-heart light-blue-heart brown-heart",
    },
    "shoe": {
        "train": "running-shoe mans-shoe flat-shoe high-heeled-shoe womans-boot ballet-shoes ice-skate",
        "validation": "roller-skate",
        "test": "hiking-boot womans-sandal",
    },
}
CATEGORIES = tuple(sorted(LOOKS))
PLURALS = {one: f"{one}s" for one in CATEGORIES}
NUMBERS = ("no", "one", "two", "three", "four", "five")
GROUNDS = {  # name → red, green, blue of a middle tone
    "white": (244, 244, 242),
    "grey": (150, 152, 156),
    "black": (38, 38, 42),
    "red": (206, 70, 66),
    "orange": (238, 158, 72),
    "yellow": (240, 222, 110),
    "green": (104, 176, 104),
    "blue": (92, 148, 216),
    "purple": (152, 104, 188),
    "pink": (240, 172, 196),
}


@dataclass(frozen=True)
class Thing:
    """One emoji in a scene.

    Attributes:
        category: one of `CATEGORIES`.
        look: slug of the emoji.
        box: left, top, width, height of what can be seen of it, in pixels (COCO's order).
    """

    category: str
    look: str
    box: tuple[int, int, int, int]

    @property
    def centre(self) -> tuple[float, float]:
        """Of the box: x, y."""
        left, top, width, height = self.box
        return left + width / 2, top + height / 2


@dataclass(frozen=True)
class Scene:
    """One picture and all that is true of it.

    Attributes:
        image: SIZE × SIZE × 3.
        instances: SIZE × SIZE; 0 is the ground, n the n-th of `things`.
        things: from the left to the right.
        ground: colour of the ground, one of `GROUNDS`.
        caption: one sentence part, "a cat left of a heart on a blue ground".
        questions: questions and their answers, each of one word.
    """

    image: Pixels
    instances: Pixels
    things: tuple[Thing, ...]
    ground: str
    caption: str
    questions: tuple[tuple[str, str], ...]

    @property
    def classes(self) -> Pixels:
        """SIZE × SIZE; 0 is the ground, n the n-th of `CATEGORIES`: what a semantic segmentation learns."""
        table = np.array([0, *(CATEGORIES.index(thing.category) + 1 for thing in self.things)], np.uint8)
        found: Pixels = table[self.instances]
        return found


def generate(seed: int, count: int, split: Split, folder: Path | None = None) -> Iterator[Scene]:
    """`count` scenes with the looks of a split, the same for the same seed; about 400 a second on one core.

    `folder` is that of `kit:emoji`, where it is not the installed one.
    """
    pictures = emoji.read(folder)
    looks = {category: [pictures[slug] for slug in by_split[split].split()] for category, by_split in LOOKS.items()}
    random = np.random.default_rng([seed, ("train", "validation", "test").index(split)])
    for _ in range(count):
        yield _scene(looks, random)


def caption_of(things: Sequence[Thing], ground: str) -> str:
    """What the scene shows: two things with their relation, more as a list from the left to the right."""
    place = f"on {_article(ground)} {ground} ground"
    if len(things) == 2 and things[0].category != things[1].category:
        one, other = things
        (x, y), (other_x, other_y) = one.centre, other.centre
        relation = "left of"
        if abs(y - other_y) > abs(x - other_x):
            one, other, relation = (one, other, "above") if y < other_y else (other, one, "above")
        return f"{_article(one.category)} {one.category} {relation} {_article(other.category)} {other.category} {place}"
    counts = Counter(thing.category for thing in things)
    parts = [
        f"{NUMBERS[count]} {PLURALS[category]}" if count > 1 else f"{_article(category)} {category}"
        for category, count in counts.items()
    ]
    return f"{', '.join(parts[:-1])} and {parts[-1]} {place}" if len(parts) > 1 else f"{parts[0]} {place}"


def questions_of(things: Sequence[Thing], ground: str, random: np.random.Generator) -> tuple[tuple[str, str], ...]:
    """Four to six questions of one-word answers: colour, presence, number, and places and sizes where they are clear.

    Half of the presence questions are answered with yes.
    """
    shown = Counter(thing.category for thing in things)
    absent = [category for category in CATEGORIES if category not in shown]
    present = random.random() < 0.5
    asked = str(random.choice(list(shown) if present else absent))
    counted = str(random.choice(list(shown)))
    found = [
        ("What colour is the ground?", ground),
        (f"Is there {_article(asked)} {asked}?", "yes" if present else "no"),
        (f"How many {PLURALS[counted]} are there?", str(shown[counted])),
        ("How many things are there?", str(len(things))),
    ]
    keys = {
        "What is farthest left?": [thing.centre[0] for thing in things],
        "What is farthest right?": [-thing.centre[0] for thing in things],
        "What is at the top?": [thing.centre[1] for thing in things],
        "What is at the bottom?": [-thing.centre[1] for thing in things],
        "What is biggest?": [-math.sqrt(thing.box[2] * thing.box[3]) for thing in things],
    }
    for question, values in keys.items():
        first, second = np.argsort(values)[:2]
        if values[second] - values[first] >= CLEAR or things[first].category == things[second].category:
            found.append((question, things[first].category))
    order = random.permutation(len(found))
    return tuple(found[number] for number in order[:6])


def _scene(looks: dict[str, list[Emoji]], random: np.random.Generator) -> Scene:
    """One scene; drawn anew where the things do not fit without hiding each other."""
    while True:
        ground = str(random.choice(list(GROUNDS)))
        canvas = _ground(np.array(GROUNDS[ground]), random)
        instances: Pixels = np.zeros((SIZE, SIZE), np.uint8)
        placed: list[tuple[str, str]] = []
        whole: list[int] = []
        for _ in range(random.integers(THINGS[0], THINGS[1] + 1)):
            again = placed and random.random() < 0.25
            category = placed[random.integers(len(placed))][0] if again else str(random.choice(CATEGORIES))
            look = looks[category][random.integers(len(looks[category]))]
            area = _paste(canvas, instances, look, whole, random)
            if area:
                placed.append((category, look.slug))
                whole.append(area)
        if len(placed) >= THINGS[0]:
            break
    boxes = [_box(instances == number) for number in range(1, len(placed) + 1)]
    order = sorted(range(len(placed)), key=lambda number: boxes[number][0] + boxes[number][2] / 2)
    renumber = np.zeros(len(placed) + 1, np.uint8)
    renumber[[number + 1 for number in order]] = np.arange(1, len(placed) + 1)
    things = tuple(Thing(*placed[number], boxes[number]) for number in order)
    image = np.clip(canvas, 0, 255).round().astype(np.uint8)
    questions = questions_of(things, ground, random)
    return Scene(image, renumber[instances], things, ground, caption_of(things, ground), questions)


def _paste(
    canvas: NDArray[np.float32], instances: Pixels, look: Emoji, whole: list[int], random: np.random.Generator
) -> int:
    """Lay one emoji onto the canvas where it hides little; its pixels, or 0 where no such place was found."""
    image, opacity = _turned(look, random)
    height, width = opacity.shape
    number = len(whole) + 1
    solid = opacity > 0.5
    seen = np.bincount(instances.ravel(), minlength=number)[1:number]  # pixels of each earlier thing
    for _ in range(TRIES):
        top, left = random.integers(0, SIZE - height + 1), random.integers(0, SIZE - width + 1)
        window = np.s_[top : top + height, left : left + width]
        covered = np.bincount(instances[window][solid], minlength=number)[1:number]
        if (seen - covered >= (1 - HIDDEN) * np.array(whole)).all():
            canvas[window] = image + (1 - opacity[..., None]) * (canvas[window] - 255)
            instances[window][solid] = number
            return int(solid.sum())
    return 0


def _turned(look: Emoji, random: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The emoji's picture on white and its opacity (0 to 1), scaled, turned, perhaps mirrored, cut to what is there."""
    from PIL import Image

    size = int(random.integers(SCALES[0], SCALES[1] + 1))
    angle = float(random.uniform(-TURN, TURN))
    mirrored = random.random() < 0.5
    light = float(random.uniform(0.85, 1.1))
    planes = []
    for pixels, beyond in ((look.image, (255, 255, 255)), (look.mask, 0)):
        picture = Image.fromarray(pixels)
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else picture
        picture = picture.rotate(angle, Image.Resampling.BICUBIC, fillcolor=beyond)
        picture = picture.resize((size, size), Image.Resampling.BOX if size < 32 else Image.Resampling.BICUBIC)
        planes.append(np.asarray(picture, np.float32))
    image: NDArray[np.float32] = planes[0]
    opacity: NDArray[np.float32] = planes[1] / np.float32(255)
    left, top, width, height = _box(opacity > 0.02)
    window = np.s_[top : top + height, left : left + width]
    colour = np.minimum((image - 255 * (1 - opacity[..., None])) * light, 255 * opacity[..., None])
    on_white: NDArray[np.float32] = colour + 255 * (1 - opacity[..., None])
    return on_white[window], opacity[window]


def _ground(colour: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.float32]:
    """A ground of one colour with a little life: a slope of light, stripes, spots or grain."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    angle = random.uniform(0, 2 * math.pi)
    along = x * math.cos(angle) + y * math.sin(angle)
    pattern = random.integers(5)
    shade: NDArray[np.float32] = np.zeros((SIZE, SIZE), np.float32)
    if pattern == 1:
        shade = 50 * (along - along.mean())
    elif pattern == 2:
        shade = np.where(np.sin(along * random.uniform(20, 60)) > 0, 9, -9).astype(np.float32)
    elif pattern == 3:
        for _ in range(random.integers(6, 16)):
            radius, spot_x, spot_y = random.uniform(0.03, 0.15), *random.uniform(0, 1, 2)
            shade += np.where((x - spot_x) ** 2 + (y - spot_y) ** 2 < radius**2, random.uniform(-12, 12), 0)
    elif pattern == 4:
        shade = random.normal(0, 4, (SIZE, SIZE)).astype(np.float32)
    tone = colour + random.uniform(-8, 8, 3)
    canvas: NDArray[np.float32] = (tone + shade[..., None]).clip(0, 255).astype(np.float32)
    return canvas


def _box(there: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, width, height of the pixels that are there; at least one is."""
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
