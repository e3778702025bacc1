"""Which word pieces the small vocabulary keeps."""

from collections import Counter

from studio.starter.build.text.minilm_l6 import SPECIAL, _spread, choose

RANKS = {
    piece: rank for rank, piece in enumerate([*SPECIAL, "a", "##b", "漢", "the", "##ing", "striker", "server", "zebra"])
}


def test_special_pieces_and_latin_letters_always_stay_and_the_old_order_holds() -> None:
    kept = choose([Counter(the=1), Counter(server=1)], RANKS, 9)
    assert kept == [*SPECIAL, "a", "##b", "the", "server"]


def test_use_in_a_corpus_decides_before_the_old_rank() -> None:
    rare = [Counter(zebra=50, the=50), Counter(zebra=50, the=50)]
    assert choose(rare, RANKS, 9)[-2:] == ["the", "zebra"]


def test_texts_are_spread_evenly_and_distinct() -> None:
    texts = [f"text {number}" for number in range(100)]
    found = _spread([*texts, *texts], limit=10)
    assert len(set(found)) == 10
    assert found[:3] == ["text 0", "text 10", "text 20"]
