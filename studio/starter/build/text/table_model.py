"""The model of `kit:tables` before it is trained: its tokenizer, what words mean to it, where it looks first."""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.starter import kit
from studio.starter.build.text import table_rows, table_words
from studio.starter.build.text.minilm_l6 import LATIN, SPECIAL
from studio.starter.build.text.table_questions import OPERATIONS

SEED = 20
PIECES, WIDTH, LAYERS, HEADS, HIDDEN = 6000, 192, 4, 6, 384
HEAD = WIDTH // HEADS
OF_WORD, OF_ROW, OF_COLUMN = 112, 32, 24  # parts of the width; the rest is for what else is known of a cell
RANKED = (4, 5)  # token types that are ranks in a column, from both ends
EMPTY = "[EMPTY]"  # what TAPAS reads an empty cell as
LONGEST = 512  # pieces


def tokenizer(out: Path) -> Any:
    """TAPAS's own, with a part of the sentence encoder's vocabulary."""
    from transformers import TapasTokenizer

    words = set(re.findall(r"[a-z]+", table_words.FILE.read_text(encoding="utf-8").lower()))
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "vocab.txt"
        file.write_text("\n".join([*kept(table_words.vocabulary(out), words), EMPTY, ""]), encoding="utf-8")
        return TapasTokenizer(
            str(file), max_row_id=table_rows.ROWS, max_column_id=table_rows.COLUMNS, model_max_length=LONGEST
        )


def kept(vocabulary: Mapping[str, int], words: set[str], size: int = PIECES) -> list[str]:
    """Pieces that the model reads: single letters, the words of the training's forms, then the most frequent."""

    def worth(piece: str) -> tuple[bool, int]:
        basic = piece in SPECIAL or (len(piece.removeprefix("##")) == 1 and ord(piece[-1]) < LATIN)
        return not (basic or piece in words), vocabulary[piece]

    return sorted(sorted(vocabulary, key=worth)[:size], key=vocabulary.__getitem__)


def begin(out: Path, reader: Any) -> Any:
    """The untrained model for this tokenizer."""
    import torch
    from transformers import TapasConfig, TapasForQuestionAnswering

    torch.manual_seed(SEED)
    config = TapasConfig(
        vocab_size=len(reader),
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=HIDDEN,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=table_rows.POSITIONS,
        type_vocab_sizes=[3, table_rows.COLUMNS, table_rows.ROWS, 2, table_rows.RANKS, table_rows.RANKS, 10],
        max_num_rows=table_rows.ROWS,
        max_num_columns=table_rows.COLUMNS,
        num_aggregation_labels=len(OPERATIONS),
        aggregation_labels=dict(enumerate(OPERATIONS)),
        no_aggregation_label_index=0,
    )
    model = TapasForQuestionAnswering(config)
    base = kit.entry(table_words.BASE, out).path
    _set_embeddings(model.tapas.embeddings, _meanings(base, reader.get_vocab(), table_words.vocabulary(out)))
    for layer in model.tapas.encoder.layer:
        _set_layer(layer)
    return model


def _set_embeddings(embeddings: Any, words: Any) -> None:
    """Each vector has a part for the word, one for the row, one for the column and one for the rest."""
    import torch
    from torch.nn import functional, init

    embeddings.word_embeddings.weight.data.zero_()[:, :OF_WORD] = words
    embeddings.word_embeddings.weight.requires_grad = False  # words that no form has stay comparable with the others
    init.normal_(embeddings.position_embeddings.weight, std=0.2 / WIDTH**0.5)
    parts = {table_rows.ROW: (OF_WORD, OF_ROW), table_rows.COLUMN: (OF_WORD + OF_ROW, OF_COLUMN)}
    rest = OF_WORD + OF_ROW + OF_COLUMN
    for kind in range(table_rows.KINDS):
        start, size = parts.get(kind, (rest, WIDTH - rest))
        codes = getattr(embeddings, f"token_type_embeddings_{kind}").weight.data.zero_()
        codes[:, start : start + size] = functional.normalize(torch.randn(len(codes), size), dim=-1)
        codes *= 0.8 if kind in parts else 0.5
        if kind in (*parts, *RANKED):
            codes[0] = 0  # of no row, no column, no rank
        if kind in RANKED:
            codes[2:] = codes[2].clone()


def _set_layer(layer: Any) -> None:
    """Queries and keys begin as one map, so that a head looks for what is alike.

    Two heads look for the same word, one for the same row, one for the same column; the others are free. Without
    this, matching a question's words with cells is not learned in the time.
    """
    import torch
    from torch.nn import init

    queries = torch.randn(WIDTH, WIDTH) * 0.5 / WIDTH**0.5
    queries[: 4 * HEAD] = 0
    for head in (0, 1):
        some = torch.linalg.qr(torch.randn(OF_WORD, HEAD))[0].T  # a random part of the word's vector
        queries[head * HEAD : (head + 1) * HEAD, :OF_WORD] = 1.3 * some
    row, column = OF_WORD, OF_WORD + OF_ROW
    queries[2 * HEAD : 2 * HEAD + OF_ROW, row : row + OF_ROW] = 0.9 * torch.eye(OF_ROW)
    queries[3 * HEAD : 3 * HEAD + OF_COLUMN, column : column + OF_COLUMN] = 0.95 * torch.eye(OF_COLUMN)
    layer.attention.self.query.weight.data.copy_(queries)
    layer.attention.self.key.weight.data.copy_(queries)
    init.normal_(layer.attention.self.value.weight, std=0.7 / WIDTH**0.5)
    init.normal_(layer.attention.output.dense.weight, std=0.3 / WIDTH**0.5)
    init.normal_(layer.intermediate.dense.weight, std=WIDTH**-0.5)
    init.normal_(layer.output.dense.weight, std=0.3 / HIDDEN**0.5)


def _meanings(base: Path, pieces: Mapping[str, int], vocabulary: Mapping[str, int]) -> Any:
    """A vector of length 1 for each piece: its embedding in the encoder and what that makes of it alone, shortened."""
    import torch
    from torch.nn import functional
    from transformers import AutoModel

    encoder = AutoModel.from_pretrained(base, dtype=torch.float32).eval()
    numbers = torch.tensor([vocabulary.get(piece, vocabulary["[UNK]"]) for piece in pieces])
    first, last = vocabulary["[CLS]"], vocabulary["[SEP]"]
    alone = []
    for start in range(0, len(numbers), 500):
        part = numbers[start : start + 500]
        inputs = torch.stack([torch.full_like(part, first), part, torch.full_like(part, last)], 1)
        with torch.inference_mode():
            alone.append(encoder(inputs)[0].mean(1))
    both = torch.cat([_centred(encoder.embeddings.word_embeddings.weight.data[numbers]), _centred(torch.cat(alone))], 1)
    both -= both.mean(0)
    _, _, directions = torch.linalg.svd(both, full_matrices=False)
    return functional.normalize(both @ directions[:OF_WORD].T, dim=-1)


def _centred(vectors: Any) -> Any:
    from torch.nn import functional

    return functional.normalize(vectors - vectors.mean(0), dim=-1)
