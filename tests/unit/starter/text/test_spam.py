"""What is read of a mail, and how mails are split."""

import email
import email.policy
from email.message import EmailMessage

from studio.starter.build.text.debian_topics import Row
from studio.starter.build.text.spam import WRITTEN, as_text, read_written, split, word_bayes


def parse(text: str) -> EmailMessage:
    message = email.message_from_string(text, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_marks_of_lists_and_quotes_are_left_out() -> None:
    mail = "Subject: [ILUG] Re: disks\n\nOn Monday Ann wrote:\n> old text\nThe new disk works.\n"
    assert as_text(parse(mail)) == ("disks", "disks. The new disk works.")


def test_html_becomes_text_without_scripts() -> None:
    mail = (
        "Subject: Hi\nContent-Type: text/html\n\n"
        "<style>p {}</style><p>Buy &amp; <b>save</b></p><script>alert(1)</script>"
    )
    assert as_text(parse(mail))[1] == "Hi. Buy & save"


def test_an_unknown_encoding_is_read_all_the_same() -> None:
    assert as_text(parse("Subject: Hi\nContent-Type: text/plain; charset=nonsense\n\nHello there"))[1] == (
        "Hi. Hello there"
    )


def test_mails_of_one_subject_stay_together() -> None:
    rows = [
        Row(f"{chr(97 + number)} message {number} about {number * 7}", "ham", "", f"subject {number // 4}")
        for number in range(40)
    ]
    train, test = split(rows)
    assert len(train) + len(test) == 40
    assert test
    assert not {row.source for row in train} & {row.source for row in test}


def test_the_classic_filter_learns_words() -> None:
    rows = [Row("free money now", "spam", "", ""), Row("see you at dinner", "ham", "", "")] * 3
    assert word_bayes(rows, ["free money", "dinner at nine"]) == ["spam", "ham"]


def test_the_written_messages_are_balanced_and_distinct() -> None:
    written = read_written(WRITTEN)
    assert len({row.text for row in written}) == len(written) == 80
    assert sum(row.label == "spam" for row in written) == 40
