"""How the sets of speech are chosen, split and altered."""

import gzip
import random

import numpy as np
import pytest

from studio.starter.build.audio import commands, speech_commands, speech_prompts, synthesis


def test_only_whole_phrases_in_plain_words_are_taken() -> None:
    listing = gzip.compress(
        b"; comment: one two three\n\nbusy: All circuits  are busy now.\nshort: Added.\n"
        b"part: ...to mute it now\nmail: dial 2 now please\nat: at sign here [@]\n"
    )
    assert speech_prompts.transcripts(listing) == {"busy": "All circuits are busy now."}


@pytest.mark.parametrize(
    ("names", "most", "expected"),
    [(list("abcdefgh"), 4, list("aceg")), (list("ab"), 4, list("ab")), ([], 4, [])],
)
def test_a_selection_is_spread_over_the_list(names: list[str], most: int, expected: list[str]) -> None:
    assert speech_prompts.evenly(names, most) == expected


def test_no_voice_stands_in_two_splits() -> None:
    found = speech_commands.voices_of()
    speakers = {
        name: {(voice.engine, voice.name.rpartition("+")[2]) for voice in voices} for name, voices in found.items()
    }
    names = list(speakers)
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            assert not speakers[name] & speakers[other]
    assert found == speech_commands.voices_of()


def test_silence_around_a_word_goes_and_loudness_is_even() -> None:
    word = np.concatenate([np.zeros(8000), np.full(1600, 0.1), np.zeros(8000)]).astype(np.float32)
    trimmed = synthesis.trim(word, 16_000)
    assert len(trimmed) == pytest.approx(1600 + 2 * 480, abs=2)
    assert np.abs(trimmed).max() == pytest.approx(synthesis.LOUDEST)


def test_an_altered_word_is_at_most_a_second_long_and_the_seed_decides_how() -> None:
    word = np.sin(np.arange(9000) / 9).astype(np.float32)
    first, again, other = (commands.altered(word, random.Random(seed)) for seed in (1, 1, 2))
    lengths = {len(commands.altered(word, random.Random(seed))) for seed in range(20)}
    assert max(lengths) == 16_000 > min(lengths) > 5_000
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.isfinite(first).all()
