"""Small vocabularies of our own: byte-level BPE, and first vectors for its pieces from what they occur with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.starter.build import storing

PAD, END = "<pad>", "</s>"
FOCUS = 5  # iterations of the randomised SVD


def train_tokenizer(texts: Sequence[str], size: int, longest: int, template: str = f"$A {END}") -> Any:
    """A byte-level BPE tokenizer that knows every text; its padding is id 0, END is id 1.

    Args:
        texts: what the pieces are learned from.
        size: of the vocabulary.
        longest: pieces that a model of it reads.
        template: where END stands to the text $A: behind it, or before it for a model that goes on writing.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.normalizer = normalizers.Prepend(" ")  # so that a word is the same piece at the start
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    raw.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 1, 0)])
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    raw.post_processor = processors.TemplateProcessing(single=template, special_tokens=[(END, 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token=PAD, eos_token=END, model_max_length=longest, clean_up_tokenization_spaces=False
    )


def vectors(groups: Sequence[Sequence[int]], size: int, width: int, seed: int) -> Any:
    """First vectors of the pieces, (size, width), each of length about 1: alike for pieces that share their texts.

    A group is the pieces of one text; of a text and its translation, so that a word and its translation start alike.
    Positive pointwise mutual information of piece and text, reduced by a randomised SVD (Levy, Søgaard and Goldberg
    2017, "A strong baseline for learning cross-lingual word embeddings from sentence alignments").
    """
    import numpy as np
    import torch
    from scipy.sparse import csr_matrix
    from sklearn.utils.extmath import randomized_svd

    rows = np.concatenate([np.unique(np.asarray(group)) for group in groups])
    columns = np.repeat(np.arange(len(groups)), [len(set(group)) for group in groups])
    count = np.bincount(rows, minlength=size).astype(np.float64)
    held = np.bincount(columns, minlength=len(groups)).astype(np.float64)
    weight = np.maximum(np.log(len(rows) / (count[rows] * held[columns])), 0)
    table = csr_matrix((weight.astype(np.float32), (rows, columns)), shape=(size, len(groups)))
    left, strength, _ = randomized_svd(table, n_components=width, n_iter=FOCUS, random_state=seed)
    found = torch.from_numpy(np.ascontiguousarray(left * np.sqrt(strength))).float()
    length = found.norm(dim=1, keepdim=True)
    noise = torch.randn(size, width, generator=torch.Generator().manual_seed(seed)) / width**0.5
    start = torch.where(length > 0, found / length.clamp_min(1e-8), torch.zeros(()))
    return (start + 0.5 * noise) / 1.25**0.5  # the noise keeps pieces apart that share all their texts


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write model and tokenizer, with 8 bits for a number of a matrix."""
    tokenizer.backend_tokenizer.no_truncation()  # use has left its truncation and padding in it
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.save_pretrained(folder)
    storing.write(model, folder, bits=8)
