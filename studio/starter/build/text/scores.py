"""How generated text is scored against what a person wrote: ROUGE for summaries, BLEU and chrF for translations."""

import re
from collections import Counter
from collections.abc import Sequence


def rouge(predicted: Sequence[str], wanted: Sequence[str]) -> dict[str, float]:
    """Mean ROUGE-1 and ROUGE-L F1, from 0 to 1 (Lin 2004, "ROUGE: a package for automatic evaluation of summaries").

    Words are runs of ASCII letters and digits in lower case, not stemmed, as in the package rouge-score.
    """
    pairs = [(_words(guess), _words(truth)) for guess, truth in zip(predicted, wanted, strict=True)]
    unigrams = [_f1((Counter(guess) & Counter(truth)).total(), len(guess), len(truth)) for guess, truth in pairs]
    longest = [_f1(_common(guess, truth), len(guess), len(truth)) for guess, truth in pairs]
    return {"rouge1": sum(unigrams) / len(pairs), "rougeL": sum(longest) / len(pairs)}


def bleu(predicted: Sequence[str], wanted: Sequence[str]) -> float:
    """Corpus BLEU from 0 to 100, with sacrebleu's defaults (13a tokenizer, exponential smoothing)."""
    from sacrebleu import corpus_bleu

    return float(corpus_bleu(list(predicted), [list(wanted)]).score)


def chrf(predicted: Sequence[str], wanted: Sequence[str]) -> float:
    """Corpus chrF2 from 0 to 100, with sacrebleu's defaults (character n-grams up to 6, no words)."""
    from sacrebleu import corpus_chrf

    return float(corpus_chrf(list(predicted), [list(wanted)]).score)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _f1(common: int, guessed: int, true: int) -> float:
    return 2 * common / (guessed + true) if common else 0.0


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for place, match in enumerate(other, start=1):
            before, row[place] = row[place], before + 1 if word == match else max(row[place], row[place - 1])
    return row[-1]
