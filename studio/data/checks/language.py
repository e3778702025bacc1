"""language: which languages the texts are in, and the rows in another than most."""

from collections import Counter
from functools import cache
from typing import Any

from pydantic import Field

from studio.data.checks import mends
from studio.data.checks.base import (
    Check,
    Evidence,
    Finding,
    Progress,
    RowNumber,
    SampledParams,
    Stop,
    excerpt,
    percent,
    plural,
    prose,
    share,
    splits_of,
)
from studio.data.checks.mends import Change
from studio.data.checks.texts import Reading
from studio.data.records import Dataset

LONGEST = 1_000  # characters of a text that decide
UNSURE = "not sure"
NONE = "zxx"  # ISO 639-2: no linguistic content


class LanguageParams(SampledParams):
    """When a guess counts."""

    rows: int = Field(
        20_000,
        ge=1,
        le=10_000_000,
        title="Rows",
        description="The most rows that are read of each split; of a larger one it reads a random sample.",
    )
    shortest: int = Field(
        20, ge=1, le=10_000, title="Shortest text", description="Texts of fewer characters say too little."
    )
    confidence: float = Field(
        0.7, ge=0, le=1, title="Confidence", description="Below it, a text counts as one of which nothing is sure."
    )
    minority: float = Field(
        0.2, ge=0, le=0.5, title="Minority", description="Rows of languages with a smaller share than this are listed."
    )


def run(dataset: Dataset, params: LanguageParams, progress: Progress, stop: Stop) -> Finding:
    """Languages by rows; the most frequent is never a minority. Of several columns each text counts."""
    splits = splits_of(dataset, params)
    columns = prose(dataset, params, splits[0])
    if not columns:
        return CHECK.not_run("There is no column of free text.")
    reading = Reading(dataset, splits, columns, params, progress, stop)
    counts: Counter[str] = Counter()
    kept: dict[str, list[Evidence]] = {}
    places: dict[str, list[RowNumber]] = {}
    short = 0
    for split, row, name, text in reading:
        text = text.strip()
        if len(text) < params.shortest:
            short += 1
            continue
        language, confidence = _identifier().classify(text[:LONGEST])
        known = confidence >= params.confidence and language != NONE
        counts[language if known else UNSURE] += 1
        if known:
            places.setdefault(language, []).append(RowNumber(split, row))
        if known and counts[language] <= params.shown:
            told = f"{name!r} is {language} ({confidence:.2f}): {excerpt(text, 100)!r}"
            kept.setdefault(language, []).append(Evidence((RowNumber(split, row),), told, 1, round(confidence, 4)))
    sure = Counter({language: rows for language, rows in counts.items() if language != UNSURE})
    if not counts:
        return CHECK.not_run(f"No text has {params.shortest} characters or more.")
    total = sum(sure.values())
    most = sure.most_common(1)[0][0] if sure else ""
    minor = [name for name in sure if name != most and share(sure[name], total) < params.minority]
    found = sum(sure[name] for name in minor)
    evidence = sorted((one for name in minor for one in kept[name]), key=lambda one: -(one.score or 0))
    unsure = counts[UNSURE]
    return Finding(
        check=CHECK.id,
        title=CHECK.title,
        severity="ok" if not found else "warning" if share(found, total) > 0.01 else "note",
        summary=(
            f"{percent(sure[most], total)} of the texts are {most}; {plural(found, 'text is', 'texts are')} in one of "
            f"{plural(len(minor), 'other language')} that few are in."
            if sure
            else "Of no text the language is sure."
        )
        + f" {unsure:,} are not sure, {short:,} too short to say.",
        figures={
            "languages": len(sure),
            "majority_share": share(sure[most], total) if sure else 0.0,
            "minority_texts": found,
            "unsure": unsure,
            "too_short": short,
        },
        basis=reading.basis,
        found=found,
        evidence=tuple(evidence[: params.shown]),
        counts={"texts by language": dict(counts.most_common())},
        method=(
            f"{CHECK.source} Of a text the first {LONGEST:,} characters count; below a confidence of "
            f"{params.confidence} nothing is said."
        ),
        remedy=(
            "Keep the languages that you want; what is filled in deletes the rows of those that few are in."
            if found
            else ""
        ),
        mends=mends.edits(map(Change, dict.fromkeys(sorted(place for name in minor for place in places[name])))),
    )


@cache
def _identifier() -> Any:
    """The language model: 2 s and 60 MB."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


CHECK = Check(
    id="language",
    title="Language",
    description="Which languages the texts are in, and the rows in another than most.",
    needs="a column of text",
    params=LanguageParams,
    run=run,
    source="langid (Lui and Baldwin 2012) as trained by py3langid, 140 languages.",
    step="edit",
    heavy=True,
)
