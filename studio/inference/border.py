"""The border around whatever a model does: a plain error for whoever asked, the traceback for the log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from studio.core.errors import StudioError

logger = logging.getLogger(__name__)


@contextmanager
def border(what: str, log: str = "the worker's log, logs/inference.log,") -> Iterator[None]:
    """Errors of ours pass; of any other its kind is told, `what` it happened to, and which `log` says more."""
    try:
        yield
    except StudioError:
        raise
    except MemoryError:
        message = f"{what} needs more memory than there is; choose a smaller model or a smaller input."
        raise StudioError(message) from None
    except Exception as error:
        logger.exception("%s failed", what)
        raise StudioError(f"{what} could not be used ({type(error).__name__}); {log} says more.") from None
