"""Personal data and secrets in a text, by pattern and checksum: where they stand and of what kind.

Names of people need a model and are not found here. Every pattern is linear in the length of the text.
"""

import base64
import binascii
import ipaddress
import json
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

Place = tuple[int, int]
REGION = "US"
LOCAL, DOMAIN = 64, 255  # RFC 5321, 4.5.3.1

SECRETS = {
    "aws_key": re.compile(
        r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
        r"|(?i:aws_secret_access_key)[\"']?\s{0,4}[=:]\s{0,4}[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
    ),
    "github_token": re.compile(
        r"(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})(?!\w)"
    ),
    "hf_token": re.compile(r"(?<!\w)(?:hf_|api_org_)[A-Za-z0-9]{34,40}(?!\w)"),
    "api_key": re.compile(
        r"(?<!\w)(?:sk-[A-Za-z0-9_-]{32,250}|AIza[A-Za-z0-9_-]{35}|xox[abprs]-[A-Za-z0-9-]{20,250}"
        r"|[sr]k_live_[A-Za-z0-9]{20,250})(?![\w-])"
    ),
    "private_key": re.compile(r"-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
}
KEY_END = re.compile(r"-----END [A-Z ]{0,60}PRIVATE KEY(?: BLOCK)?-----")
KEY_BODY = re.compile(r"(?:\s|\\n|[A-Za-z0-9+/=])*")
JWT = re.compile(r"(?<![\w.-])eyJ[\w-]{8,}\.eyJ[\w-]{4,}\.[\w-]*", re.ASCII)
BEFORE_AT = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+\Z")
AFTER_AT = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_](?:[\w-]{0,61}[^\W_])(?![\w@])")
CARD = re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){12,18}(?![\w-]|\.\d)", re.ASCII)
GROUPS = frozenset({"4-4-4-4", "4-6-5", "4-6-4", "4-4-4-4-3"})
IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)", re.ASCII)
# characters of an IBAN per country (the registry of ISO 13616)
IBAN_LENGTHS = {
    entry[:2]: int(entry[2:])
    for entry in re.findall(
        r"\w+",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
        "ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 "
        "LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 "
        "SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20",
    )
}
IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)", re.ASCII)
IPV6 = re.compile(r"(?<![\w:.])[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{3,34}(?![\w:]|\.\d)")
NOT_AN_ADDRESS = re.compile(r"(?:\bv|\bver|\bversion|\brelease|\bbuild|\brev|[A-Za-z]/|§|==|>=|<=|~=)[.:]?\s?\Z", re.I)
# what a telephone number may be: "+" and digits, or at least three groups of digits
DIALLED = re.compile(r"\+[ (]{0,2}\d(?:[ ().\-/]{0,3}\d){6,}|\d{1,5}(?:[ ()./-]{1,3}\d{1,5}){2,}", re.ASCII)
FEWEST = 7  # digits


@dataclass(frozen=True)
class Span:
    """One find: its kind, and the characters `text[start:end]`."""

    kind: str
    start: int
    end: int


def find(text: str, kinds: Collection[str] = (), region: str = REGION) -> list[Span]:
    """What stands in the text, in its order, without overlaps.

    Args:
        text: any text.
        kinds: which of `KINDS`; all when none is named.
        region: country code (ISO 3166) whose telephone numbers are known without "+"; "" for international ones only.
    """
    found: list[Span] = []
    for kind in KINDS:
        if not kinds or kind in kinds:
            places = _phones(text, region) if kind == "phone" else KINDS[kind](text)
            for start, end in places:
                _insert(found, Span(kind, start, end))
    return found


def masked(text: str, span: Span) -> str:
    """What may be shown of a find: enough to know it again in the row, too little to use it."""
    shown = text[span.start : span.end]
    if span.kind == "email":
        return f"{shown[0]}…@{shown.rpartition('@')[2]}"
    if span.kind == "private_key":
        return "-----BEGIN … PRIVATE KEY-----"
    return f"{shown[:4]}… ({len(shown)} characters)"


def _insert(found: list[Span], span: Span) -> None:
    """Add it in its place, unless something found before overlaps it."""
    place = bisect_left(found, span.start, key=lambda other: other.start)
    if place and found[place - 1].end > span.start:
        return
    if place < len(found) and found[place].start < span.end:
        return
    found.insert(place, span)


def _secrets(kind: str) -> Callable[[str], Iterator[Place]]:
    return lambda text: (match.span() for match in SECRETS[kind].finditer(text))


def _private_keys(text: str) -> Iterator[Place]:
    """The whole block; of one that is cut off, what looks like its body."""
    for match in SECRETS["private_key"].finditer(text):
        end = KEY_END.search(text, match.end(), match.end() + 20_000)
        body = KEY_BODY.match(text, match.end())
        yield match.start(), end.end() if end else (body.end() if body else match.end())


def _tokens(text: str) -> Iterator[Place]:
    """JSON web tokens: the first part must decode to an object that names an algorithm (RFC 7515)."""
    for match in JWT.finditer(text):
        head = match[0].partition(".")[0]
        try:
            header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        except (ValueError, binascii.Error):
            continue
        if isinstance(header, dict) and "alg" in header:
            yield match.span()


def _emails(text: str) -> Iterator[Place]:
    at = text.find("@")
    while at >= 0:
        before = BEFORE_AT.search(text[max(0, at - LOCAL) : at])
        after = AFTER_AT.match(text, at + 1, at + 1 + DOMAIN)
        if before and after and not before[0].startswith(".") and not before[0].endswith(".") and ".." not in before[0]:
            yield at - len(before[0]), after.end()
        at = text.find("@", at + 1)


def _cards(text: str) -> Iterator[Place]:
    """Numbers with an issuer's prefix and length, grouped as on a card or not at all, that pass Luhn's check."""
    for match in CARD.finditer(text):
        groups = re.split("[ -]", match[0])
        digits = "".join(groups)
        alike = len(set(re.sub(r"\d", "", match[0]))) <= 1
        grouped = len(groups) == 1 or (alike and "-".join(str(len(group)) for group in groups) in GROUPS)
        if grouped and _issued(digits) and _luhn(digits):
            yield match.span()


def _issued(digits: str) -> bool:
    """Prefix and length as the networks give them out (ISO/IEC 7812)."""
    length, two, three, four = len(digits), int(digits[:2]), int(digits[:3]), int(digits[:4])
    return (
        (digits[0] == "4" and length in {13, 16, 19})  # Visa
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and length == 16)  # Mastercard
        or (two in {34, 37} and length == 15)  # American Express
        or ((four == 6011 or two == 65 or 644 <= three <= 649) and length in {16, 19})  # Discover
        or (3528 <= four <= 3589 and length == 16)  # JCB
        or ((300 <= three <= 305 or two in {36, 38, 39}) and length == 14)  # Diners Club
        or (two == 62 and length in {16, 19})  # UnionPay
    )


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0 and len(set(digits)) > 1


def _ibans(text: str) -> Iterator[Place]:
    """A country's own length, and 1 as the remainder by 97 (ISO 13616); what follows in capitals is not taken along."""
    for match in IBAN.finditer(text):
        length = IBAN_LENGTHS.get(match[0][:2], 0)
        taken, end = "", 0
        while len(taken) < length and end < len(match[0]):
            taken += match[0][end].strip()
            end += 1
        follows = match[0][end : end + 1]
        turned = taken[4:] + taken[:4]
        if (
            len(taken) == length > 0
            and follows in {"", " "}
            and int("".join(str(int(c, 36)) for c in turned)) % 97 == 1
        ):
            yield match.start(), match.start() + end


def _addresses(text: str) -> Iterator[Place]:
    """Public IP addresses.

    Of version 4 those with at least two parts of two digits and no word like "version" before them: a version number
    looks just like the others. Private and reserved addresses identify nobody.
    """
    for match in IPV4.finditer(text):
        long = sum(len(part) > 1 for part in match[0].split(".")) > 1
        if long and _public(match[0]) and not NOT_AN_ADDRESS.search(text[max(0, match.start() - 12) : match.start()]):
            yield match.span()
    for match in IPV6.finditer(text):
        if _public(match[0]):
            yield match.span()


def _public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def _phones(text: str, region: str = REGION) -> Iterator[Place]:
    """Numbers that exist by their country's numbering plan; without "+" only those that are written in groups."""
    places = [match.span() for match in DIALLED.finditer(text) if sum(map(str.isdigit, match[0])) >= FEWEST]
    if not places:
        return
    from phonenumbers import Leniency, PhoneNumberMatcher  # its tables take a tenth of a second to load

    for start, end in _windows(places, len(text)):
        for match in PhoneNumberMatcher(text[start:end], region or None, leniency=Leniency.STRICT_GROUPING):
            national = not match.raw_string.startswith("+")
            groups = len(re.findall(r"\d+", match.raw_string))
            if not national or groups >= 3:
                yield start + match.start, start + match.end


def _windows(places: list[Place], length: int) -> Iterator[Place]:
    """The surroundings of what may be a number, joined where they touch: the matcher is slow on long texts."""
    start, end = max(0, places[0][0] - 20), places[0][1] + 20
    for first, last in places[1:]:
        if first - 20 > end:
            yield start, end
            start = first - 20
        end = last + 20
    yield start, min(end, length)


KINDS: dict[str, Callable[[str], Iterator[Place]]] = {
    "private_key": _private_keys,
    "jwt": _tokens,
    "aws_key": _secrets("aws_key"),
    "github_token": _secrets("github_token"),
    "hf_token": _secrets("hf_token"),
    "api_key": _secrets("api_key"),
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "ip": _addresses,
    "phone": _phones,
}
