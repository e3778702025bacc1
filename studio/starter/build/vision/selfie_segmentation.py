"""`kit:selfie-segmentation`: MediaPipe's person segmentation, from TFLite to torch. Nothing is trained.

The constants keep their half precision; `studio.starter.selfie` runs the graph.
"""

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.core.settings import ROOT
from studio.starter import selfie
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import SourceError, Wheel, fetch_npm, fetch_wheel
from studio.starter.build.vision.emoji import Pixels, png
from studio.starter.build.vision.photos import SKIMAGE, opened
from studio.starter.kit import KitEntry, Quality, Source

PACKAGE = Wheel(
    "@mediapipe/selfie_segmentation",
    "0.1.1675465747",
    "7767b33eaa68990ee06c28bbb89f39a13a47ebb07ff0f1fd4947d9e817bb9bf9",
)
ACTIVATIONS = {0: None, 1: "relu", 3: "relu6"}  # TFLite's numbers
PERSON, UNSURE = 255, 128  # values of the hand-drawn masks; what is held in the hands is not counted
SIDE = 256  # pixels of the photos as stored
DRAWN_AT = 784  # side of the photos when the outlines were drawn
OUTLINES = Path(__file__).with_name("written") / "outlines.json"  # drawn by hand: photo → "person", "unsure" → x, y


def build(out: Path) -> KitEntry:
    """Fetch, convert and measure; a few seconds."""
    from safetensors.torch import save_file

    with tempfile.TemporaryDirectory() as temporary:
        with fetch_npm(PACKAGE, Path(temporary)) as archive:
            file = archive.extractfile("package/selfie_segmentation.tflite")
            graph, constants = convert(file.read() if file else b"")
        photos = fetch_wheel(SKIMAGE, Path(temporary))
        pictures = {name: opened(photos.read(f"skimage/data/{name}")) for name in read_outlines()}
    entry = _entry({})
    with writing.new_folder(out, entry.name) as folder:
        save_file(constants, folder / selfie.WEIGHTS)
        (folder / selfie.WEIGHTS).chmod(0o644)  # safetensors writes for the owner only
        (folder / selfie.GRAPH).write_text(json.dumps(graph, separators=(",", ":")) + "\n", encoding="utf-8")
        tables.write_split(_columns(pictures), folder / "test.parquet", _schema())
        writing.copy_license(ROOT / "LICENSE", folder)
    return writing.record(out, _entry(_quality(entry.model_copy(update={"root": out}))))


def first(entry: KitEntry) -> float:
    """The share of the first photo that shows a person."""
    image, _ = _stored(entry)[0]
    return float((selfie.load(entry.path).probability(image) > 0.5).mean())


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Mean intersection over union with the hand-drawn masks."""
    model = selfie.load(entry.path)
    stored = _stored(entry)[:rows]
    return {"iou": float(np.mean([iou(model.probability(image) > 0.5, drawn) for image, drawn in stored]))}


def read_outlines() -> dict[str, dict[str, list[list[int]]]]:
    """Photo → "person" and "unsure" → corners x, y, for a picture of DRAWN_AT × DRAWN_AT pixels."""
    outlines: dict[str, dict[str, list[list[int]]]] = json.loads(OUTLINES.read_text(encoding="utf-8"))
    return outlines


def iou(found: NDArray[np.bool_], drawn: Pixels) -> float:
    """Intersection over union with a drawn mask, without the pixels that are not counted."""
    counted, person = drawn != UNSURE, drawn == PERSON
    return float((found & person).sum() / ((found | person) & counted).sum())


def convert(content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The graph, and its constants by name, of a TFLite file; raises `SourceError` for an operation not known here."""
    import tflite
    import torch

    model = tflite.Model.GetRootAsModel(content, 0)
    part = model.Subgraphs(0)
    kinds = {number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)}
    tensors = {}
    for number in range(part.TensorsLength()):
        tensor = part.Tensors(number)
        data = model.Buffers(tensor.Buffer()).DataAsNumpy()
        if not isinstance(data, int):
            kind = {0: np.float32, 1: np.float16, 2: np.int32}[tensor.Type()]
            shape = tensor.ShapeAsNumpy() if tensor.ShapeLength() else ()
            tensors[number] = np.frombuffer(data.tobytes(), kind).reshape(shape)
    operations: list[dict[str, Any]] = []
    constants: dict[str, Any] = {}
    for number in range(part.OperatorsLength()):
        operator = part.Operators(number)
        code = model.OperatorCodes(operator.OpcodeIndex())
        name = kinds[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs, output = operator.InputsAsNumpy().tolist(), operator.OutputsAsNumpy()[0]
        if name == "DEQUANTIZE":  # of a constant that is stored in half precision
            tensors[output] = tensors[inputs[0]]
            continue
        step, order = _operation(name, operator, [tensors.get(one) for one in inputs])
        used = inputs[: 1 if step["op"] == "resize" else None]
        for one in used:
            if one in tensors:
                value = tensors[one]
                value = value.transpose(order) if value.ndim == 4 else value
                value = value.reshape(1, -1, 1, 1) if step["op"] in ("add", "mul") else value
                constants[f"t{one}"] = torch.from_numpy(value.copy())
        operations.append({**step, "inputs": [f"t{one}" for one in used], "output": f"t{output}"})
    start, end = part.InputsAsNumpy()[0], part.OutputsAsNumpy()[0]
    size = int(part.Tensors(start).ShapeAsNumpy()[1])
    return {"size": size, "input": f"t{start}", "output": f"t{end}", "operations": operations}, constants


def _operation(name: str, operator: Any, inputs: Sequence[Any]) -> tuple[dict[str, Any], tuple[int, ...]]:
    """One operation without its inputs and output, and the order of a four-dimensional constant's axes in torch."""
    import tflite

    def options(kind: Any) -> Any:
        found, table = kind(), operator.BuiltinOptions()
        found.Init(table.Bytes, table.Pos)
        return found

    plain = {"RELU": "relu", "HARD_SWISH": "hard-swish", "LOGISTIC": "sigmoid"}
    if name in plain:
        return {"op": plain[name]}, ()
    if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        deep = name == "DEPTHWISE_CONV_2D"
        found = options(tflite.DepthwiseConv2DOptions if deep else tflite.Conv2DOptions)
        step = {"op": "conv", "stride": found.StrideH(), "same": found.Padding() == 0}
        groups = inputs[1].shape[-1] if deep else 1
        return _then({**step, "groups": groups}, found), (3, 0, 1, 2) if deep else (0, 3, 1, 2)
    if name == "AVERAGE_POOL_2D":  # over the whole map, in this graph
        return {"op": "mean"}, ()
    if name == "RESIZE_BILINEAR":
        found = options(tflite.ResizeBilinearOptions)
        return {"op": "resize", "size": inputs[1].tolist(), "align_corners": bool(found.AlignCorners())}, ()
    if name in ("ADD", "MUL"):
        found = options(tflite.AddOptions if name == "ADD" else tflite.MulOptions)
        return _then({"op": name.lower()}, found), ()
    if name == "CUSTOM":  # Convolution2DTransposeBias, the only one in this graph
        return {"op": "transposed-conv", "stride": 2}, (3, 0, 1, 2)
    raise SourceError(f"The model has an operation that is not known here: {name}.")


def _then(step: dict[str, Any], options: Any) -> dict[str, Any]:
    then = ACTIVATIONS[options.FusedActivationFunction()]
    return {**step, "then": then} if then else step


def _columns(pictures: Mapping[str, Any]) -> dict[str, list[Any]]:
    from PIL import Image, ImageDraw

    columns: dict[str, list[Any]] = {"image": [], "mask": []}
    for name, picture in pictures.items():
        drawn = Image.new("L", (DRAWN_AT, DRAWN_AT))
        for part, value in (("person", PERSON), ("unsure", UNSURE)):
            ImageDraw.Draw(drawn).polygon([(x, y) for x, y in read_outlines()[name][part]], fill=value)
        stream = io.BytesIO()
        picture.resize((SIDE, SIDE)).save(stream, "JPEG", quality=90)
        columns["image"].append({"bytes": stream.getvalue(), "path": None})
        columns["mask"].append(png(np.asarray(drawn.resize((SIDE, SIDE), Image.Resampling.NEAREST))))
    return columns


def _schema() -> Any:
    from datasets import Features, Image

    return Features({"image": Image(), "mask": Image()}).arrow_schema


def _stored(entry: KitEntry) -> list[tuple[Any, Pixels]]:
    columns = tables.read_split(entry.path, "test")
    masks = [np.asarray(opened(mask["bytes"]))[:, :, 0] for mask in columns["mask"]]
    return [(opened(image["bytes"]), mask) for image, mask in zip(columns["image"], masks, strict=True)]


def _quality(entry: KitEntry) -> dict[str, Quality]:
    stored = _stored(entry)
    whole = float(np.mean([iou(np.ones(drawn.shape, np.bool_), drawn) for _, drawn in stored]))
    return {
        "iou": Quality(
            value=round(measure(entry, len(stored))["iou"], 4),
            split="two photos with hand-drawn masks, in test.parquet",
            n=len(stored),
            note="mean intersection over union; a helmet and a camera that are held are not counted",
            baseline=round(whole, 4),
            baseline_note="a person everywhere",
        )
    }


def _entry(quality: Mapping[str, Quality]) -> KitEntry:
    return KitEntry(
        id="kit:selfie-segmentation",
        kind="model",
        library="studio",
        title="Person or background",
        description=(
            "Says of every pixel how likely it shows a person: made for a person before a camera, two metres away at "
            "most. MediaPipe's general model, 256 × 256 pixels, about 0.1 million weights."
        ),
        tasks=("image-segmentation",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution=(
            "MediaPipe Selfie Segmentation by Google; photos: NASA (public domain) and Lav Varshney (CC0), by way of "
            "scikit-image."
        ),
        sources=(
            Source(name=PACKAGE.requirement, sha256=PACKAGE.sha256, license="Apache-2.0", use="graph and weights"),
            Source(name=SKIMAGE.requirement, sha256=SKIMAGE.sha256, license="CC0-1.0", use="photos to measure on"),
        ),
        built_by="studio.starter.build.vision.selfie_segmentation",
        seed=0,
        versions=writing.versions("torch", "safetensors", "tflite"),
        quality=dict(quality),
    )


BUILDER = Builder("kit:selfie-segmentation", 0.5, build, first, measure)
