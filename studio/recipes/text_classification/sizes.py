"""How much a run has to hold, counted before it starts: rows, bytes, tokens and the longest text. No torch."""

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from studio.data import rows
from studio.data.records import Dataset
from studio.recipes.text_classification.params import TextClassificationParams
from studio.recipes.training.memory import DataSize
from studio.recipes.training.texts import token_counts

if TYPE_CHECKING:
    from tokenizers import Tokenizer

COUNTED = 500  # of the longest texts of a split; what the others have in tokens follows from their bytes


def data_size(dataset: Dataset, params: TextClassificationParams, tokenizer: "Tokenizer") -> DataSize:
    """The size of the splits that a run reads; `longest` is what the widest batch is padded to.

    Of what only the beginning is here, the rest is taken to be alike, and some text to be as long as allowed.
    Raises `UnknownName` for a split or column, and what reading the data raises.
    """
    fields, cut, share = params.data, params.model.max_length, dataset.info.share or 1.0
    count = text_bytes = tokens = longest = 0
    for split in filter(None, (fields.train_split, fields.eval_split, fields.test_split)):
        name = [fields.text_column]
        texts: pa.ChunkedArray = rows.table(dataset, split, name, where_not_empty=name, as_text=name).column(0)
        if not len(texts):
            continue
        sizes = pc.binary_length(texts)
        sample = texts.take(pc.sort_indices(sizes, sort_keys=[("", "descending")])[:COUNTED])
        counted = [min(number, cut) for number in token_counts(tokenizer, sample.to_pylist())]
        longest = cut if split in dataset.info.cut else max(longest, *counted)
        whole, sampled = pc.sum(sizes).as_py() / share, pc.sum(pc.binary_length(sample)).as_py()
        known = used = round(len(texts) / share)
        if split == fields.train_split and fields.max_train_samples:
            used = min(used, fields.max_train_samples)
        count += used
        text_bytes += round(whole)  # the whole split is read before rows are chosen
        tokens += round(sum(counted) / sampled * whole * used / known)
    return DataSize(rows=count, text_bytes=text_bytes, tokens=tokens, longest=longest or cut)
