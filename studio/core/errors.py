"""The error tree. What a user can mend stands under `UserError`; everything else is the studio's fault or the world's.

The docstring of a class is its default message. Pages, CLI and REST show `str(error)` and nothing else.
"""

from collections.abc import Sequence


class StudioError(Exception):
    """Something went wrong in the studio."""

    status = 500

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").splitlines()[0])


class UserError(StudioError):
    """The request cannot be carried out as it stands."""

    status = 400


class InvalidInput(UserError):
    """A value is not usable.

    Args:
        field: dotted name of the form field, for example "training.learning_rate".
        value: what was given; shown shortened.
        expected: what would be right, as a sentence without the field's name.
    """

    status = 422

    def __init__(self, field: str, value: object, expected: str) -> None:
        self.field, self.value, self.expected = field, value, expected
        super().__init__(f"{field}: {shorten(value)} is not usable. {expected}")


class InvalidInputs(UserError):
    """Several fields are not usable; `problems` holds one `InvalidInput` each."""

    status = 422

    def __init__(self, problems: Sequence[InvalidInput]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


class UnknownName(UserError, KeyError):
    """A name that is in no table."""

    status = 404

    def __init__(self, kind: str, name: str, known: Sequence[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        super().__init__(f"Unknown {kind} {shorten(name)}. Known: {', '.join(known) or 'none'}.")

    def __str__(self) -> str:  # KeyError would show the repr
        return str(self.args[0])


class NotFound(UserError):
    """There is no such thing, or it belongs to somebody else."""

    status = 404


class Forbidden(UserError):
    """This is not yours to do."""

    status = 403


class Conflict(UserError):
    """This cannot be done in the present state."""

    status = 409


class Unopened(Conflict):
    """This is opened by a job first."""


class QuotaExceeded(UserError):
    """The limit for one user is reached."""

    status = 429


class SignInRequired(UserError):
    """Sign in to the Hub first."""

    status = 401


class HubError(StudioError):
    """The Hub did not do what was asked."""

    status = 502


class HubUnreachable(HubError):
    """The Hub cannot be reached; working offline."""

    status = 503


class SiteError(StudioError):
    """The site did not answer as it should."""

    status = 502


class WorkerDied(StudioError):
    """The process that ran the model died; the next request starts a new one."""

    status = 503


class TimedOut(StudioError):
    """It took longer than its limit."""

    status = 504


class VisitorLeft(StudioError):
    """Whoever asked has left; the request was given up."""

    status = 499  # nginx's own, which nobody receives


class JobCancelled(StudioError):
    """The job was cancelled."""


def shorten(value: object, length: int = 80) -> str:
    """A value as it may stand in a message: quoted, on one line, never longer than `length`."""
    text = repr(value) if isinstance(value, str) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"
