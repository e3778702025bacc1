"""back-translate: texts said in another language by a model, and back again by a second one. In jobs only."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
from pydantic import Field

from studio.data.steps.base import Code, Columns, Params, Rows, Step, Tools, text_column
from studio.data.steps.noise import beside

LONGEST = 512  # tokens that are written at most


class BackTranslateParams(Params):
    """Which models, and their languages."""

    column: str = Field(
        min_length=1,
        max_length=300,
        title="Column",
        description="The texts that are said anew.",
        json_schema_extra={"widget": "column"},
    )
    forth: str = Field(
        "Helsinki-NLP/opus-mt-en-fr",
        min_length=1,
        max_length=300,
        title="Forth",
        description="The model for the way into the other language: kit:translator (English to Italian, software "
        "only), artifact:… or a Hub id.",
        json_schema_extra={"widget": "model"},
    )
    back: str = Field(
        "Helsinki-NLP/opus-mt-fr-en",
        max_length=300,
        title="Back",
        description="The model for the way back; empty leaves the texts in the other language. The starter kit has "
        "none.",
        json_schema_extra={"widget": "model"},
    )
    language: str = Field(
        "",
        max_length=20,
        title="Language",
        description="The texts' own, as models of many languages write it (eng_Latn); empty for models of one pair.",
    )
    through: str = Field(
        "", max_length=20, title="Other language", description="The other one, written in the same way."
    )
    keep: bool = Field(
        True,
        title="Keep the originals",
        description="Whether each row stays as it is, with the changed one after it: the data set doubles.",
    )


def said(model: Any, tokenizer: Any, texts: list[str], source: str, target: str) -> list[str]:
    """Each text in the other language: greedily and one at a time, so that no text depends on its neighbours."""
    import torch

    more = {}
    if source and hasattr(tokenizer, "src_lang"):
        tokenizer.src_lang = source
    if target:
        more["forced_bos_token_id"] = tokenizer.convert_tokens_to_ids(target)
    limit = min(int(tokenizer.model_max_length), getattr(model.config, "max_position_embeddings", None) or LONGEST)
    found = []
    for text in texts:
        read = tokenizer(text, truncation=True, max_length=limit, return_tensors="pt")
        ids, mask = read["input_ids"].to(model.device), read["attention_mask"].to(model.device)
        settings = {"num_beams": 1, "do_sample": False, "max_new_tokens": min(limit, LONGEST), **more}
        with torch.inference_mode():
            new = model.generate(ids, attention_mask=mask, **settings)
        found.append(str(tokenizer.decode(new[0], skip_special_tokens=True)).strip())
    return found


def back_translated(
    table: pa.Table,
    numbers: Sequence[int],  # noqa: ARG001
    column: str,
    ways: Sequence[Callable[[list[str]], list[str]]],
    keep: bool,
) -> pa.Table:
    """The rows with their texts said by one model after the other; empty ones stay."""
    texts = table.column(column).to_pylist()
    places = [place for place, text in enumerate(texts) if text and text.strip()]
    found = [texts[place] for place in places]
    for way in ways:
        found = way(found)
    for place, text in zip(places, found, strict=True):
        texts[place] = text
    return beside(table, column, pa.array(texts, pa.string()), keep)


def columns(params: BackTranslateParams, before: Columns) -> Columns:
    """The same, once the column is one of texts."""
    text_column(before, params.column)
    return before


def function(params: BackTranslateParams, tools: Tools) -> "partial[pa.Table]":
    """What says them anew."""
    ways = [partial(tools.translator(params.forth), source=params.language, target=params.through)]
    if params.back:
        ways.append(partial(tools.translator(params.back), source=params.through, target=params.language))
    return partial(back_translated, column=params.column, ways=ways, keep=params.keep)


def code(params: BackTranslateParams, tools: Tools) -> Code:
    """With the models of transformers."""
    setup, ways = [], []
    pairs = {"forth": (params.forth, params.language, params.through)}
    if params.back:
        pairs["back"] = (params.back, params.through, params.language)
    for name, (ref, source, target) in pairs.items():
        given = tools.arguments(ref)
        setup.append(f"{name} = AutoModelForSeq2SeqLM.from_pretrained({given}, dtype='float32').eval()")
        setup.append(f"{name}_tokenizer = AutoTokenizer.from_pretrained({given})")
        ways.append(f"partial(said, {name}, {name}_tokenizer, source={source!r}, target={target!r})")
    line = f"partial(back_translated, column={params.column!r}, ways=[{', '.join(ways)}], keep={params.keep})"
    imports = {"transformers": "AutoModelForSeq2SeqLM, AutoTokenizer"}
    return Code(f"by_rows(rows, {line})", (back_translated, said), imports, tuple(setup))


STEP = Step(
    name="back-translate",
    title="Back-translation",
    description="Says texts in another language and back again, so that they come in other words. In jobs only.",
    params=BackTranslateParams,
    work=Rows[BackTranslateParams](function, columns, costly=True),
    describe=lambda params: f"say {params.column} by {params.forth}" + (f" and {params.back}" if params.back else ""),
    code=code,
    group="Text",
    example={"column": "text"},
)
