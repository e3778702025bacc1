"""Settings from the environment (`STUDIO_*`, and the variables that Spaces set). Read once, passed on explicitly."""

import json
import os
from pathlib import Path
from typing import Self

from pydantic import Field, PrivateAttr, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from studio.core.errors import StudioError

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets"


class Settings(BaseSettings):
    """Every knob of an installation; unknown `STUDIO_*` names are ignored, bad values name the variable."""

    model_config = SettingsConfigDict(env_prefix="STUDIO_", frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(7860, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    home: Path = Field(Path("~/.studio"), description="Where jobs, artifacts, uploads and metrics lie.")
    kit: Path = Field(ASSETS / "kit", description="Where the starter kit lies; a class can share one folder.")
    public: bool = Field(False, description="Many visitors: everything belongs to an account or a browser session.")
    admins: tuple[str, ...] = Field((), description="Hub names that see and may stop everybody's jobs.")
    offline: bool = Field(False, description="Never ask the Hub; run from the starter kit and local files.")
    hub_deadline: float = Field(20.0, gt=0, description="Seconds until a Hub call that does not answer is given up.")
    zygote: bool = Field(
        True, description="Keep a process with the training stack imported, so that jobs start at once."
    )
    inference_memory_mb: int = Field(4096, ge=64, description="Memory for warm models in the inference worker, in MB.")
    max_upload_mb: int = Field(500, ge=1, description="Largest data file that may be uploaded, in MB.")
    max_dataset_mb: int = Field(2_000, ge=1, description="Largest data set that is fetched from the Hub, in MB.")
    max_parts_mb: int = Field(
        4_000, ge=16, description="Disk space for parts of the Hub's data sets that are read where they lie, in MB."
    )
    max_prepared_mb: int = Field(
        8_000, ge=16, description="Disk space for converted data sets, and again for search indexes, in MB."
    )
    max_owner_mb: int = Field(
        2_000, ge=0, description="Disk space for one owner's uploads and results, in MB; 0 for any (public mode)."
    )
    max_model_mb: int = Field(10_000, ge=1, description="Largest model that is fetched from the Hub, in MB.")
    max_queued: int = Field(20, ge=1, description="Jobs that one owner may have waiting or running (public mode).")
    allowed_origins: tuple[str, ...] = Field(("https://huggingface.co",), description="Foreign origins that may call.")

    _reader: SecretStr | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _from_space(cls, values: dict[str, object]) -> dict[str, object]:
        """On a Space: listen where Spaces expect it, store where storage is kept, treat visitors as strangers."""
        if os.environ.get("SYSTEM") != "spaces":
            return values
        home = "/data/studio" if os.access("/data", os.W_OK) else "~/.studio"
        space = {"host": "0.0.0.0", "port": 7860, "home": home, "public": True}  # noqa: S104  a Space is reached from outside
        return space | {"max_dataset_mb": 500, "max_model_mb": 3_000} | values

    @model_validator(mode="after")
    def _absolute(self) -> Self:
        object.__setattr__(self, "home", self.home.expanduser().resolve())
        object.__setattr__(self, "kit", self.kit.expanduser().resolve())
        return self

    @property
    def reader(self) -> SecretStr | None:
        """The token of whoever these settings are used for; None where the installation's own rules hold."""
        return self._reader

    def reading_as(self, token: SecretStr | None) -> Self:
        """The same settings, with which private data and models are read in the name of `token`.

        The copy equals no other visitor's, so that what is remembered per settings is never shared between them.
        """
        if token is None:
            return self
        copy = self.model_copy()
        copy._reader = token
        return copy

    @property
    def on_space(self) -> bool:
        """Whether this process runs as a Space."""
        return os.environ.get("SYSTEM") == "spaces"

    @property
    def endpoint(self) -> str:
        """The Hub's address, as huggingface_hub reads it."""
        return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")

    @property
    def token(self) -> SecretStr | None:
        """The operator's own token from HF_TOKEN, if any."""
        value = os.environ.get("HF_TOKEN", "").strip()
        return SecretStr(value) if value else None

    @property
    def databases(self) -> dict[str, SecretStr]:
        """The operator's databases by name, from STUDIO_DATABASES: {"shop": "postgresql://…"}; never a visitor's."""
        try:
            found = json.loads(os.environ.get("STUDIO_DATABASES", "").strip() or "{}")
        except ValueError:
            found = None
        if not isinstance(found, dict) or not all(isinstance(address, str) for address in found.values()):
            raise StudioError(
                'STUDIO_DATABASES is not usable. Write JSON: {"shop": "postgresql://user:password@host/db"}.'
            )
        return {str(name): SecretStr(address) for name, address in found.items()}

    @property
    def jobs_dir(self) -> Path:
        """One folder per job: log, progress, checkpoints, attempts."""
        return self.home / "jobs"

    @property
    def artifacts_dir(self) -> Path:
        """One folder per artifact, each with its manifest.json."""
        return self.home / "artifacts"

    @property
    def uploads_dir(self) -> Path:
        """Uploaded data sets, one folder per owner."""
        return self.home / "uploads"

    @property
    def extras_dir(self) -> Path:
        """Extras of the starter kit that were fetched, with a manifest of their own."""
        return self.home / "kit"

    @property
    def tracking_dir(self) -> Path:
        """Trackio's files (TRACKIO_DIR)."""
        return self.home / "trackio"

    @property
    def database(self) -> Path:
        """The job store."""
        return self.home / "studio.db"
