"""How the classifier's figures stand beside those of the frozen encoder."""

from studio.starter.build.text.topic_classifier import compare


def test_the_headline_is_accuracy_with_the_frozen_encoder_as_its_baseline() -> None:
    quality = compare(["a", "a", "a", "b"], ["a", "a", "b", "b"], ["a", "a", "a", "a"])
    assert list(quality) == ["accuracy", "macro_f1"]
    assert (quality["accuracy"].value, quality["accuracy"].baseline) == (0.75, 0.75)
    assert quality["macro_f1"].value == 0.7333  # mean of 0.8 and 2/3
    assert "largest class: 0.750" in quality["accuracy"].note
