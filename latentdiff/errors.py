"""Every error that LatentDiff raises on purpose.

    LatentDiffError
    ├── InputError           sides, vectors, views, fields or options that cannot be used
    ├── CheckpointError      a saved SAE, comparison, encoder or vector set that cannot be read
    ├── EncoderError         an encoder that cannot be built or run
    ├── EndpointError        a language or vision server that cannot be used, does not answer, or whose budget is spent
    │   └── NoAnswerError    a server that works, and gave no answer to one question: a refusal, its filter, an empty answer
    ├── RunError             a run that exists already, or does not exist
    ├── MissingPackageError  a package of an extra that is not installed
    └── Cancelled            the user stopped the work

A message says what was wrong, with which value, and what to do.
"""


class LatentDiffError(Exception):
    """Base of every error that LatentDiff raises on purpose."""


class InputError(LatentDiffError, ValueError):
    """Sides, vectors, views, fields or options that cannot be used as given."""


class CheckpointError(LatentDiffError):
    """A saved SAE, comparison, encoder or vector set that cannot be read."""


class EncoderError(LatentDiffError):
    """An encoder that cannot be built or run."""


class EndpointError(LatentDiffError):
    """A language or vision server that cannot be used, does not answer, or whose budget is spent."""


class NoAnswerError(EndpointError):
    """A server that works, and gave no answer to one question: its model refused, its filter held the answer back, or it was empty."""


class RunError(LatentDiffError):
    """A run that exists already, or that does not exist."""


class MissingPackageError(LatentDiffError, ImportError):
    """A package that is not installed; the message holds the command that brings it.

    Args:
        message: what needs it, and the command.
        name: the package's top-level module.
        extra: the extra of LatentDiff that brings it.
    """

    def __init__(self, message: str, *, name: str | None = None, extra: str = "") -> None:
        super().__init__(message, name=name)
        self.extra = extra


class Cancelled(LatentDiffError):
    """The user stopped the work; nothing was written."""


def sentence(error: Exception) -> str:
    """An error's message, as people read it: with a capital, unless it begins with the name of a file or field, and a full stop."""
    text = str(error)
    word = text.partition(" ")[0].strip(":,;").replace("-", "").replace("'", "")
    capital = text[:1].upper() if word.isalpha() else text[:1]
    return capital + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
