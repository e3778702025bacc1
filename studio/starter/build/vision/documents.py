"""`kit:documents`: reads pages and answers questions on them, an extra; PP-OCR's two models, taken out of a wheel.

Nothing is trained; `studio.starter.documents` answers, with `kit:qa`. Judged on drawn pages.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from studio.starter import documents, fetch, reading
from studio.starter.build import writing
from studio.starter.build.base import Builder
from studio.starter.build.text import qa
from studio.starter.build.vision import fit, papers
from studio.starter.build.vision.papers import Paper
from studio.starter.documents import Documents
from studio.starter.kit import Extra, KitEntry, Quality, Source
from studio.starter.reading import Line
from studio.starter.wheels import Wheel

WHEEL = Wheel(
    "rapidocr-onnxruntime",
    "1.4.4",
    "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
    14_915_192,
)
INSIDE = "rapidocr_onnxruntime/models"
MODELS = {reading.FINDER: "ch_PP-OCRv4_det_infer.onnx", reading.READER: "ch_PP-OCRv4_rec_infer.onnx"}
ANSWERS = "kit:qa"
NEARNESS = 24.0  # the best of 0, 2, 4 … 48 on pages with the tuning's questions
SEED = 1_000_057
PAGES, FEW_PAGES = 30, 9  # that are measured when it is built, and again


def build(out: Path) -> KitEntry:
    """Unpack and measure; two minutes on one core, after 15 MB from the package index."""
    with ZipFile(fetch.wheel(WHEEL, out)) as archive, writing.new_folder(out, "documents") as folder:
        for name, source in MODELS.items():
            (folder / name).write_bytes(archive.read(f"{INSIDE}/{source}"))
        (folder / reading.SIGNS).write_text("\n".join(signs(folder / reading.READER)), encoding="utf-8")
        settings = {"answers": ANSWERS, "nearness": NEARNESS}
        (folder / documents.SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        writing.copy_license(fit.LICENSE, folder)
        quality = _quality(folder, PAGES)
    return writing.record(out, _entry(quality))


def first(entry: KitEntry) -> str:
    """The answer to the first question on the first page."""
    from PIL import Image

    paper = next(papers.generate(SEED, 1, "test"))
    model = documents.load(entry.path, *documents.places(entry.path))
    return answer(model, model.reading.read(Image.fromarray(paper.image)), paper.questions[0][0])


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """F1 of the answers, and the share of words that are read right, on the first pages."""
    return {name: figure.value for name, figure in _quality(entry.path, min(rows, FEW_PAGES)).items()}


def signs(reader: Path) -> list[str]:
    """What the reader knows, as its file says it."""
    import onnxruntime

    session = onnxruntime.InferenceSession(reader, providers=["CPUExecutionProvider"])
    return str(session.get_modelmeta().custom_metadata_map["character"]).splitlines()


def answer(model: Documents, lines: Sequence[Line], question: str) -> str:
    """The best answer, "" where the page holds no words."""
    return next((one.answer for one in model.answer(lines, question)), "")


def read_right(paper: Paper, lines: Sequence[Line]) -> float:
    """Share of the page's words that were read without a slip, wherever they stand."""
    seen = Counter(word.text for line in lines for word in line.words)
    return (seen & Counter(paper.words)).total() / len(paper.words)


def _quality(folder: Path, pages: int) -> dict[str, Quality]:
    from PIL import Image

    model = documents.load(folder, *documents.places(folder))
    words, found, trivial = [], [], []
    for paper in papers.generate(SEED, pages, "test"):
        lines = model.reading.read(Image.fromarray(paper.image))
        rows = ". ".join(" ".join(line.text for line in row) for row in reading.in_rows(lines))
        words.append(read_right(paper, lines))
        for question, right in paper.questions:
            found.append(qa.f1(answer(model, lines, question), right))
            trivial.append(qa.f1(qa.by_overlap(question, rows), right))
    return {
        "f1": Quality(
            value=round(float(np.mean(found)), 4),
            split="drawn receipts, invoices and letters",
            n=len(found),
            note="overlap of words with the right answer, as in SQuAD; questions that nothing was tuned on",
            baseline=round(float(np.mean(trivial)), 4),
            baseline_note="longest run of new words in the row or sentence nearest to the question, as it was read",
            band=fit.band(found, min(len(found), FEW_PAGES * 5)),
        ),
        "words_read": Quality(
            value=round(float(np.mean(words)), 4),
            split="the same pages",
            n=pages,
            note="share of words without a wrong sign",
            band=fit.band(words, FEW_PAGES),
        ),
    }


def _entry(quality: Mapping[str, Quality]) -> KitEntry:
    return KitEntry(
        id="kit:documents",
        kind="model",
        library="studio",
        tier="extra",
        extra=Extra(wheels=(WHEEL,)),
        title="Reads pages and answers questions on them",
        description=(
            "Reads the printed words of an upright page (English, Chinese) with their places, and answers English "
            "questions by them: receipts, invoices, letters. Handwriting, slanted photos and questions in words far "
            "from the page's own are beyond it. It works through the studio, not through a transformers pipeline."
        ),
        tasks=("document-question-answering",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="PP-OCRv4 by the PaddlePaddle authors; converted and packaged by RapidAI (rapidocr-onnxruntime).",
        sources=(
            Source(
                name=WHEEL.requirement, sha256=WHEEL.sha256, license="Apache-2.0", use="the two models, as they are"
            ),
            Source(name=ANSWERS, license="Apache-2.0", use="answers from a text"),
            Source(name="kit:minilm-l6", license="Apache-2.0", use="which part of a page a question is about"),
        ),
        built_by="studio.starter.build.vision.documents",
        seed=SEED,
        versions=writing.versions("onnxruntime", "torch", "transformers", "peft", "numpy", "scipy", "pillow"),
        training={"nearness": NEARNESS},
        quality=dict(quality),
    )


BUILDER = Builder("kit:documents", 3, build, first, measure, "extra")
