"""What is personal data and what only looks like it; nothing takes long on hostile text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data import pii

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"
TRUE = [
    ("mail me at jane.doe+x@mail.example.co.uk, please", "email", "jane.doe+x@mail.example.co.uk"),
    ("<jürgen@bücher.example>", "email", "jürgen@bücher.example"),
    ("call +49 30 901820 today", "phone", "+49 30 901820"),
    ("call (202) 456-1111 today", "phone", "(202) 456-1111"),
    ("tel. 202-456-1111.", "phone", "202-456-1111"),
    ("+442083661177", "phone", "+442083661177"),
    ("visa 4111 1111 1111 1111 exp", "card", "4111 1111 1111 1111"),
    ("5500-0000-0000-0004", "card", "5500-0000-0000-0004"),
    ("amex 378282246310005", "card", "378282246310005"),
    ("GB82 WEST 1234 5698 7654 32 is mine", "iban", "GB82 WEST 1234 5698 7654 32"),
    ("DE89370400440532013000 BIC", "iban", "DE89370400440532013000"),
    ("from 93.184.216.34:443", "ip", "93.184.216.34"),
    ("at 2606:2800:220:1:248:1893:25c8:1946", "ip", "2606:2800:220:1:248:1893:25c8:1946"),
    ("key=AKIAIOSFODNN7EXAMPLE", "aws_key", "AKIAIOSFODNN7EXAMPLE"),
    ("token ghp_" + "a1B2" * 9, "github_token", "ghp_" + "a1B2" * 9),
    ("HF_TOKEN=hf_" + "aB" * 17, "hf_token", "hf_" + "aB" * 17),
    ("AIza" + "x" * 35, "api_key", "AIza" + "x" * 35),
    (f"a\n{KEY}\nb", "private_key", KEY),
    ("-----BEGIN PRIVATE KEY-----\nMIIEow\n", "private_key", "-----BEGIN PRIVATE KEY-----\nMIIEow\n"),
    (f"Bearer {JWT}", "jwt", JWT),
]
FALSE = [
    "version 1.2.3.4",
    "v120.0.6099.109",
    "Chrome/120.0.6099.109",
    "numpy==12.10.31.22",
    "2.10.3.1",
    "10.0.0.1, 192.168.10.12 and 127.0.0.1",
    "1.2.3.4.5",
    "999.888.777.666",
    "ISBN 978-3-16-148410-0",
    "ISBN 9783161484100",
    "2024-01-31",
    "31.01.2024",
    "2024-01-31 12:30:45",
    "order 4158675309",
    "order no. 123-456-789",
    "4111 1111 1111 1112",
    "411 11111 111111 11",
    "1234567890123456",
    "0000 0000 0000 0000",
    "GB82 WEST 1234 5698 7654 33",
    "std::vector<int> a::b",
    "12:30:45",
    "a@b",
    "@user hi",
    "user@localhost",
    "3.14159265358979",
    "1,234,567,890",
    "arXiv 2107.06499",
    "DOI 10.1145/1963405.1963487",
    "550e8400-e29b-41d4-a716-446655440000",
    "1999 2000 2001 2002 2003",
    "eyJhbGciOiJ.eyJ.x",
    "ghp_short",
    "AKIA and more",
    "",
]


@pytest.mark.parametrize(("text", "kind", "found"), TRUE)
def test_what_is_personal_is_found_where_it_stands(text: str, kind: str, found: str) -> None:
    assert [(span.kind, text[span.start : span.end]) for span in pii.find(text)] == [(kind, found)]


@pytest.mark.parametrize("text", FALSE)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert pii.find(text) == []


@pytest.mark.parametrize(("text", "kind", "found"), TRUE)
def test_what_is_shown_of_it_cannot_be_used(text: str, kind: str, found: str) -> None:
    shown = pii.masked(text, pii.find(text)[0])
    assert found not in shown
    assert len(shown) < 60


def test_kinds_and_country_are_chosen() -> None:
    text = "a@b.example 030 901820 93.184.216.34"
    assert [span.kind for span in pii.find(text)] == ["email", "ip"]
    assert [span.kind for span in pii.find(text, ["ip"])] == ["ip"]
    text = "call 020 8366 1177"
    assert pii.find(text) == []
    assert [span.kind for span in pii.find(text, region="GB")] == ["phone"]


@given(st.text(alphabet=st.sampled_from("a1 @.:-+()/eyJAKI\n_"), max_size=200) | st.text(max_size=100))
def test_spans_are_in_order_and_apart(text: str) -> None:
    spans = pii.find(text)
    ends = [0, *(span.end for span in spans)]
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(end <= span.start for end, span in zip(ends, spans, strict=False))


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "1",
        "@",
        "a@",
        "1 ",
        "AB12",
        "2001:",
        "eyJ",
        "-----BEGIN PRIVATE KEY-----",
        "a.b@c.",
        "12-",
        "+1 202 ",
        "x.",
    ],
)
def test_hostile_text_takes_no_longer_than_its_length(part: str) -> None:
    text = part * (100_000 // len(part))
    began = time.process_time()
    pii.find(text)
    assert time.process_time() - began < 5
