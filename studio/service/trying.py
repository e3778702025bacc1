"""What is tried on data while one waits, in processes of its own: steps of recipes, and checks."""

from studio.core.settings import Settings
from studio.service.aside import Aside
from studio.service.data import Data


class Trying(Data):
    """What is tried, and by whom."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._aside = Aside()

    def close(self) -> None:
        """Stop what `start` and questions have started."""
        self._aside.close()
        super().close()
