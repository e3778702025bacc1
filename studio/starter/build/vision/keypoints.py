"""A small LightGlue with its own SuperPoint, trained from scratch on views of collages.

First what finds and describes corners, which are known from the collages themselves, then what matches them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.starter.build import tables
from studio.starter.build.vision import corners, emoji, fit, views
from studio.starter.build.vision.fit import Batch, Draw, Schedule
from studio.starter.build.vision.views import Change

SEED = 41
SIDE = 320  # of the views that the matcher learns from
PART = 160  # of the views that its detector learns from
CHANNELS, HEAD, DESCRIPTOR = (16, 32, 64, 64), 96, 64
WIDTH, LAYERS, HEADS = 96, 3, 4
CELL = 8  # pixels of a square in which the detector finds at most one corner
SPOTS, CORNERS = 1000, 800  # places of a collage that are followed, corners among them at most
CORNER = 1e-4  # response from which a corner counts; pictures go from 0 to 1
SAMPLED = 48  # places of each pair that descriptors are compared at
WARMTH = 0.07  # by which their similarity is divided
PAIRS = 1000  # that the matcher learns from
POINTS, LEARNED = 512, 256  # of a picture at most, and of one that is learned from
NEAR, FAR = 3.0, 5.0  # pixels up to which places are the same, and from which they are not
UNRELATED = 0.1  # share of training pairs that are of two different collages
FIRST = Change(turn=8, scale=1.1, slant=0.05, shift=0.06)
SECOND = Change(turn=45, scale=1.5, slant=0.2, shift=0.15)
STRETCH = 1.5


@dataclass(frozen=True)
class Drawn:
    """What all views are of.

    Attributes:
        pictures: count × 1 × side × side, whole numbers.
        spots: count × SPOTS × (x, y): corners of each picture, the strongest first, then any places.
        corner: count × SPOTS: which of them are corners.
    """

    pictures: Any
    spots: NDArray[np.float64]
    corner: NDArray[np.bool_]


def draw(folder: Path, count: int) -> Drawn:
    """Collages and their corners; `folder` is that of `kit:emoji`."""
    import torch

    found = emoji.read(folder)
    looks = [found[slug] for slug in tables.read_split(folder, "train")["slug"]]
    random = np.random.default_rng(SEED)
    pictures = np.stack([views.collage(looks, random) for _ in range(count)])
    spots = random.uniform(0, views.SIDE - 1, (count, SPOTS, 2))
    corner = np.zeros((count, SPOTS), bool)
    for number, picture in enumerate(pictures):
        strongest = corners.find(picture.astype(np.float32) / 255, CORNERS, 2, CORNER)
        spots[number, : len(strongest)] = strongest
        corner[number, : len(strongest)] = True
    return Drawn(torch.from_numpy(pictures)[:, None], spots, corner)


def train_detector(drawn: Drawn, schedule: Schedule) -> Any:
    """A SuperPoint trained on views of these collages."""
    import torch
    from transformers import SuperPointForKeypointDetection

    torch.manual_seed(SEED)
    model = SuperPointForKeypointDetection(_detector_config())
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    first = model.encoder.conv_blocks[0].conv_a.weight
    with torch.no_grad():
        first -= first.mean((1, 2, 3), keepdim=True)  # to begin with, how bright a place is tells nothing
    model.to(memory_format=torch.channels_last)  # twice as fast
    fit.fit(model, len(drawn.corner), _exactly(partial(_parts, drawn)), _detector_loss, schedule)
    return model


def train_matcher(drawn: Drawn, detector: Any, schedule: Schedule) -> Any:
    """A LightGlue trained on what a detector, which is made part of it, finds in views of these collages."""
    import torch
    from transformers import LightGlueForKeypointMatching

    torch.manual_seed(SEED)
    model = LightGlueForKeypointMatching(_config())
    model.keypoint_detector.load_state_dict(detector.state_dict())
    model.keypoint_detector.requires_grad_(False)
    _begin(model)
    found = _seen(drawn, detector.eval(), PAIRS)
    fit.fit(model, PAIRS, _exactly(partial(_matched, found)), _matcher_loss, schedule)
    return model


def _begin(model: Any) -> None:
    """First weights with which the model matches the most similar descriptors, and looks at similar and near ones."""
    import torch
    from torch.nn import init

    for layer in model.transformer_layers:
        for part in layer.modules():
            if isinstance(part, torch.nn.Linear):
                init.xavier_uniform_(part.weight)
        for attention in (layer.self_attention, layer.cross_attention):
            attention.k_proj.load_state_dict(attention.q_proj.state_dict())
        for after in (layer.self_mlp, layer.cross_mlp):
            init.xavier_uniform_(after.fc2.weight, gain=0.1)
    init.orthogonal_(model.input_projection.weight, gain=WIDTH**0.5)
    for layer in model.match_assignment_layers:
        init.eye_(layer.final_projection.weight)
    with torch.no_grad():
        frequency = torch.logspace(0, 1.3, len(model.positional_encoder.projector.weight))[:, None]
        model.positional_encoder.projector.weight.normal_().mul_(frequency)


def _exactly(draw: Draw) -> Draw:
    """The same batches, without the rounding of `fit`: where a pixel lies would be wrong by one."""

    def drawn(numbers: Sequence[int], random: np.random.Generator) -> Batch:
        import torch

        with torch.autocast("cpu", enabled=False):
            return draw(numbers, random)

    return drawn


def _two_views(count: int, side: int, middle: float, random: np.random.Generator) -> NDArray[np.float64]:
    """2 × count × 3 × 3: random views of collages."""
    found = []
    for _ in range(count):
        about = tuple(middle + random.uniform(-1, 1, 2) * max(views.SIDE - 1.3 * side, 0) / 2)
        pulled = views.stretch(side, random, STRETCH)
        found.append([views.view((side, side), about, change, random) @ pulled for change in (FIRST, SECOND)])
    return np.array(found).swapaxes(0, 1)


def _parts(drawn: Drawn, numbers: Sequence[int], random: np.random.Generator) -> Batch:
    """Two views of each picture, the squares' corners in them, and places that both views show."""
    import torch

    pictures = drawn.pictures[numbers].float() / 255
    spots, corner = drawn.spots[numbers], drawn.corner[numbers]
    count = len(pictures)
    matrices = _two_views(count, PART, views.SIDE / 2, random)
    led = views.carried(spots, np.linalg.inv(matrices))  # 2 × count × SPOTS × (x, y)
    fill = torch.from_numpy(random.random((count, 1, 1, 1))).float()
    seen = [views.relit(views.render(pictures, one, (PART, PART), fill), random) for one in matrices]
    inside = ((led > CELL / 2) & (led < PART - 1 - CELL / 2)).all((0, -1))
    wish = inside * (1e-3 + corner) * random.random(corner.shape)
    chosen = np.argpartition(-wish, SAMPLED, axis=1)[:, :SAMPLED]
    places = np.take_along_axis(led, chosen[None, ..., None], 2)
    return {
        "pixel_values": torch.cat(seen),
        "labels": torch.from_numpy(np.concatenate([squares(one, corner) for one in led])),
        "places": torch.from_numpy(np.concatenate(places)).float(),
        "weights": torch.from_numpy(np.take_along_axis(wish, chosen, 1) > 0),
    }


def squares(spots: NDArray[np.float64], corner: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each square of each view, which of its pixels is the strongest corner; CELL² where it has none."""
    side = PART // CELL
    pixels = np.rint(spots).astype(int)
    shown = corner & ((pixels >= 0) & (pixels < PART)).all(-1)
    found = np.full((len(spots), side, side), CELL * CELL)
    row, number = np.nonzero(shown)
    x, y = pixels[row, number][::-1].T  # the strongest are written last
    found[row[::-1], y // CELL, x // CELL] = y % CELL * CELL + x % CELL
    return found


def _detector_loss(model: Any, batch: Batch) -> Any:
    """Cross entropy of each square's corner, and of each place's descriptor against all others of the batch."""
    import torch
    from torch.nn import functional

    seen = model.encoder(batch["pixel_values"]).last_hidden_state
    finds, tells = model.keypoint_decoder, model.descriptor_decoder
    logits = finds.conv_score_b(torch.relu(finds.conv_score_a(seen))).float()
    found = functional.cross_entropy(logits, batch["labels"])
    described = functional.normalize(tells.conv_descriptor_b(torch.relu(tells.conv_descriptor_a(seen))).float(), dim=1)
    told = tells._sample_descriptors(batch["places"], described, CELL).transpose(1, 2)
    one, other = (part.reshape(-1, part.shape[-1]) for part in told.chunk(2))
    alike = one @ other.T / WARMTH
    places = batch["places"].chunk(2)[0]
    of = torch.arange(len(places)).repeat_interleave(SAMPLED)
    close = (torch.cdist(places.flatten(0, 1), places.flatten(0, 1)) < CELL) & (of[:, None] == of)
    alike = alike.masked_fill(close & ~torch.eye(len(of), dtype=torch.bool), -1e4)
    kept = batch["weights"].reshape(-1)
    right = torch.arange(len(alike))
    matched = functional.cross_entropy(alike, right, reduction="none") + functional.cross_entropy(
        alike.T, right, reduction="none"
    )
    return found + 0.25 * (matched * kept).sum() / kept.sum().clamp_min(1)


def _seen(drawn: Drawn, detector: Any, count: int) -> Batch:
    """What the detector finds in `count` pairs of views: places, descriptors, which are there; and the ways."""
    import torch

    random = np.random.default_rng([SEED, count])
    detector.keypoint_decoder.max_keypoints = LEARNED
    points, described = torch.zeros(count, 2, LEARNED, 2), torch.zeros(count, 2, LEARNED, DESCRIPTOR, dtype=torch.half)
    there, ways = torch.zeros(count, 2, LEARNED, dtype=torch.bool), torch.zeros(count, 3, 3)
    for number in range(count):
        while there[number].sum(-1).min() < 8:  # a view of nothing
            picture = drawn.pictures[random.integers(len(drawn.pictures))][None].float() / 255
            matrices = _two_views(1, SIDE, views.SIDE / 2, random)
            both = [
                views.relit(views.render(picture, one, (SIDE, SIDE), float(random.random())), random)
                for one in matrices
            ]
            with torch.inference_mode():
                found = detector(torch.cat(both))
            size = found.keypoints.shape[1]
            there[number, :, :size] = found.mask.bool()
            points[number, :, :size], described[number, :, :size] = found.keypoints * SIDE, found.descriptors.half()
            ways[number] = torch.from_numpy(np.linalg.inv(matrices[1, 0]) @ matrices[0, 0])
    return {"points": points, "described": described, "there": there, "ways": ways}


def _matched(found: Batch, numbers: Sequence[int], random: np.random.Generator) -> Batch:
    """Pairs, some put together at random, with who belongs to whom and who to nobody."""
    import torch

    first, second = torch.tensor(numbers), torch.tensor(numbers)
    mixed = torch.from_numpy(random.random(len(numbers)) < UNRELATED)
    second = torch.where(mixed, second.roll(1), second)
    points, described, there = (
        torch.stack([found[name][first, 0], found[name][second, 1]], 1) for name in ("points", "described", "there")
    )
    led = torch.cat([points[:, 0], torch.ones_like(points[:, 0, :, :1])], -1) @ found["ways"][first].transpose(1, 2)
    far = torch.cdist(led[..., :2] / led[..., 2:], points[:, 1])
    far = far + 1e6 * ~(there[:, 0, :, None] & there[:, 1, None]) + 1e6 * mixed[:, None, None]
    nearest = (far == far.amin(1, keepdim=True)) & (far == far.amin(2, keepdim=True))
    return {
        "points": points / (SIDE / 2) - 1,
        "described": described.float(),
        "there": there,
        "same": nearest & (far < NEAR),
        "alone": torch.stack([far.amin(2) > FAR, far.amin(1) > FAR], 1) & there,
    }


def _matcher_loss(model: Any, batch: Batch) -> Any:
    """How unlikely the true pairs and the lone points are, after each layer."""
    import torch

    there = batch["there"].flatten(0, 1)
    with torch.autocast("cpu", enabled=False):
        places = model.positional_encoder(batch["points"].flatten(0, 1))[0]
    hidden = model.input_projection(batch["described"].flatten(0, 1))
    total = 0.0
    for number, (layer, assign) in enumerate(zip(model.transformer_layers, model.match_assignment_layers, strict=True)):
        hidden = layer(hidden, places, attention_mask=there[:, None, None])[0]
        scores = assign(hidden.float(), there.int())
        alone = torch.stack([scores[:, :-1, -1], scores[:, -1, :-1]], 1)
        loss = _mean(scores[:, :-1, :-1][batch["same"]]) + _mean(alone[batch["alone"]])
        total = total - loss * (1 if number == LAYERS - 1 else 0.3)
    return total


def _mean(values: Any) -> Any:
    return values.sum() / max(len(values), 1)


def _config() -> Any:
    from transformers import LightGlueConfig

    return LightGlueConfig(
        keypoint_detector_config=_detector_config(),
        descriptor_dim=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        depth_confidence=1.0,  # never stop early and leave no point out: nothing would be saved with so few, and with
        width_confidence=1.0,  # -1, which says so too, transformers 5.23 gives matches of the wrong shape
    )


def _detector_config() -> Any:
    from transformers import SuperPointConfig

    return SuperPointConfig(
        encoder_hidden_sizes=list(CHANNELS),
        decoder_hidden_size=HEAD,
        descriptor_decoder_dim=DESCRIPTOR,
        keypoint_threshold=0.003,
        nms_radius=3,
        max_keypoints=POINTS,
    )
