"""Files that lie elsewhere, as DuckDB wants to see them: a file system of exactly these, read-only, part by part."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fsspec.spec import AbstractFileSystem

from studio.core.errors import StudioError
from studio.data.records import SCHEME, RemoteFile


class Elsewhere(AbstractFileSystem):  # type: ignore[misc]  # fsspec is untyped
    """The files of one connection by their address.

    Attributes:
        failure: the last error of reading one, because DuckDB makes a text of it.
    """

    protocol = SCHEME
    cachable = False  # fsspec would keep every instance, and with it whoever's right to read

    def __init__(self, files: Sequence[RemoteFile]) -> None:
        super().__init__()
        self.files = {file.address: file for file in files}
        self.failure: StudioError | None = None

    def _open(self, path: str, mode: str = "rb", **_: Any) -> "_Opened":
        if mode != "rb":
            raise OSError("These files are read only.")
        return _Opened(self, self._file(path))

    def open(self, path: str, mode: str = "rb", **_: Any) -> "_Opened":
        """A file of this connection, to read."""
        return self._open(path, mode)

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Size and kind."""
        file = self._file(path)
        return {"name": file.address, "size": file.size, "type": "file"}

    def exists(self, path: str, **_: Any) -> bool:
        """Whether it is one of these files."""
        return self._address(path) in self.files

    def modified(self, path: str) -> datetime:
        """Never: a file is known by its contents."""
        del path
        return datetime.fromtimestamp(0, UTC)

    def glob(self, path: str, **_: Any) -> list[str]:
        """The file itself; addresses hold no patterns."""
        return [self._address(path)] if self.exists(path) else []

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """As fsspec wants it; nothing is listed but the file itself."""
        return [self.info(path) if detail else self._address(path)]

    def _file(self, path: str) -> RemoteFile:
        try:
            return self.files[self._address(path)]
        except KeyError:
            raise FileNotFoundError(path) from None

    def _address(self, path: str) -> str:
        return path if path.startswith(f"{SCHEME}://") else f"{SCHEME}://{path}"


class _Opened:
    """One open file. DuckDB's threads share it, so each has a place of its own."""

    def __init__(self, system: Elsewhere, file: RemoteFile) -> None:
        self._system, self._file, self._at = system, file, threading.local()
        self.size, self.closed = file.size, False

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at.place = offset + (0, self.tell(), self.size)[whence]
        return self.tell()

    def tell(self) -> int:
        return int(getattr(self._at, "place", 0))

    def read(self, length: int = -1) -> bytes:
        start = self.tell()
        stop = self.size if length < 0 else min(self.size, start + length)
        try:
            data = self._file.read(start, stop) if stop > start else b""
        except StudioError as error:
            self._system.failure = error
            raise
        self._at.place = start + len(data)
        return data

    def close(self) -> None:
        self.closed = True
