"""pii: personal data and secrets in texts, by pattern and checksum. What is found is never repeated in full."""

from collections import Counter

from pydantic import Field, field_validator

from studio.data import pii
from studio.data.checks.base import (
    TEXT,
    Check,
    Evidence,
    Finding,
    Mend,
    Progress,
    RowNumber,
    SampledParams,
    Stop,
    columns_of,
    percent,
    plural,
    share,
    splits_of,
)
from studio.data.checks.texts import Reading
from studio.data.records import Dataset

SECRET = frozenset(pii.KINDS) - {"email", "phone", "ip", "card", "iban"}
WORDS = {
    "private_key": "private keys",
    "jwt": "web tokens (JWT)",
    "aws_key": "keys of AWS",
    "github_token": "tokens of GitHub",
    "hf_token": "tokens of Hugging Face",
    "api_key": "other API keys",
    "email": "e-mail addresses",
    "iban": "bank accounts (IBAN)",
    "card": "card numbers",
    "ip": "IP addresses",
    "phone": "telephone numbers",
}
LONGEST = 100_000  # characters of a cell


class PersonalDataParams(SampledParams):
    """What is looked for."""

    kinds: list[str] = Field(default_factory=list, title="Kinds", description=f"Empty: all of {', '.join(pii.KINDS)}.")
    region: str = Field(
        pii.REGION,
        max_length=2,
        pattern=r"^([A-Z]{2})?$",
        title="Country",
        description="Code of the country whose telephone numbers are known without +; empty: international ones only.",
    )

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: list[str]) -> list[str]:
        if unknown := set(kinds) - set(pii.KINDS):
            raise ValueError(f"{', '.join(sorted(unknown))} is not known. Known: {', '.join(pii.KINDS)}.")
        return kinds


def run(dataset: Dataset, params: PersonalDataParams, progress: Progress, stop: Stop) -> Finding:
    """Every find of the read rows counted by kind; rows are counted once."""
    splits, columns = splits_of(dataset, params), columns_of(dataset, params, TEXT)
    if not columns:
        return CHECK.not_run("There is no column of text.")
    reading = Reading(dataset, splits, columns, params, progress, stop)
    kinds: Counter[str] = Counter()
    evidence: dict[str, list[Evidence]] = {}
    rows, held = 0, set[str]()
    last = ("", -1)
    for split, row, name, text in reading:
        spans = pii.find(text[:LONGEST], params.kinds, params.region)
        if spans:
            held.add(name)
        if spans and last != (split, row):
            last, rows = (split, row), rows + 1
        for span in spans:
            kinds[span.kind] += 1
            if kinds[span.kind] <= params.shown:
                what = f"{span.kind} in {name!r}, characters {span.start:,} to {span.end:,}: {pii.masked(text, span)}"
                evidence.setdefault(span.kind, []).append(Evidence((RowNumber(split, row),), what))
    secrets = sum(kinds[kind] for kind in SECRET)
    total = sum(kinds.values())
    return Finding(
        check=CHECK.id,
        title=CHECK.title,
        severity="ok" if not total else "serious" if secrets or kinds["card"] or kinds["iban"] else "warning",
        summary=(
            f"{plural(rows, 'row holds', 'rows hold')} personal data or secrets ({percent(rows, reading.seen)}): "
            + ", ".join(f"{count:,} {WORDS[kind]}" for kind, count in kinds.most_common())
            + "."
            if total
            else "No personal data and no secret was found by pattern; names of people are another matter."
        ),
        figures={"rows": rows, "rows_share": share(rows, reading.seen), **{kind: kinds[kind] for kind in kinds}},
        basis=reading.basis,
        found=total,
        evidence=tuple(_mixed(evidence, params.shown)),
        counts={"finds by kind": dict(kinds.most_common())} if kinds else {},
        method=f"{CHECK.source} Of a cell the first {LONGEST:,} characters are read.",
        remedy="Remove or mask it, and revoke every key." if secrets else "Remove or mask it." if total else "",
        mends=(_mend(params, [column.name for column in columns if column.name in held]),) if total else (),
    )


def _mend(params: PersonalDataParams, columns: list[str]) -> Mend:
    kinds = {"kinds": params.kinds} if params.kinds else {}
    return Mend(CHECK.step, {"columns": columns, "region": params.region, **kinds})


def _mixed(evidence: dict[str, list[Evidence]], limit: int) -> list[Evidence]:
    """Some of every kind, the rarest kinds first, so that thousands of addresses do not hide one key."""
    kinds = sorted(evidence, key=lambda kind: len(evidence[kind]))
    chosen: list[Evidence] = []
    for place, kind in enumerate(kinds):
        room = (limit - len(chosen)) // (len(kinds) - place)
        chosen += evidence[kind][: max(room, 1)]
    return chosen[:limit]


CHECK = Check(
    id="pii",
    title="Personal data and secrets",
    description="E-mail addresses, telephone, card and account numbers, IP addresses, keys and tokens in texts.",
    needs="a column of text",
    params=PersonalDataParams,
    run=run,
    source=(
        "By pattern: cards by issuer and Luhn's check, accounts by length and remainder (ISO 13616), telephone numbers "
        "by the countries' numbering plans (libphonenumber), IP addresses if public, keys by their prefixes."
    ),
    step="remove-pii",
)
