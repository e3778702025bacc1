"""How the answers of the chat model are judged, and what is measured on."""

from studio.starter.build.text import chat


def test_an_answer_counts_by_whole_words_whatever_its_capitals() -> None:
    asked = [("symbol of gold?", "Au"), ("capital?", "Paris")]
    assert chat.right(["It is AU.", "It is paris, France."], asked) == 1
    assert chat.right(["Australia", "The parisian one"], asked) == 0


def test_the_written_sentences_are_read_without_labels() -> None:
    sentences = chat.everyday()
    assert len(sentences) >= 50
    assert not any("|" in sentence or sentence.startswith("#") for sentence in sentences)
    assert len({question for question, _ in chat.QUESTIONS}) == len(chat.QUESTIONS)
