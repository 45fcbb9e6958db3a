"""The exceptions of the package: every mistake of a user has a type, and a message of one line.

Each class is also one of Python's own (``ShapeError`` is a ``ValueError``), so code that knows nothing of
this module catches what it expects. Messages name the argument, what was given and what is allowed.
"""


class HyenaError(Exception):
    """Base of every exception that this package raises on purpose."""


class ShapeError(HyenaError, ValueError):
    """An array has the wrong number of axes or the wrong size."""


class DTypeError(HyenaError, TypeError):
    """An array has a dtype that the operation does not take, or two arrays disagree."""


class LibraryMismatchError(HyenaError, TypeError):
    """Arrays of two libraries or of two devices were given together."""


class BackendError(HyenaError, RuntimeError):
    """The array library or the device that was asked for is not there."""


class TokenError(HyenaError, ValueError):
    """A token id or a label lies outside the vocabulary."""


class ConfigError(HyenaError, ValueError):
    """A configuration value is not allowed."""


class ParameterError(HyenaError, ValueError):
    """A parameter tree does not fit its configuration, or its names are unknown."""


class DisagreementError(HyenaError, ArithmeticError):
    """A contender of a benchmark does not compute what it is compared with; its time would mean nothing."""


class CacheError(HyenaError, RuntimeError):
    """The cache of a forward can no longer be used: its memory has been handed out again."""


class CheckpointError(HyenaError, ValueError):
    """A checkpoint cannot be read, is damaged, or belongs to something else."""


class DataError(HyenaError, ValueError):
    """Data cannot be read or downloaded, are damaged, or are too few for what is asked."""


class OutputError(HyenaError, OSError):
    """A file or folder cannot be written, or would be overwritten unasked."""


class RunError(HyenaError, RuntimeError):
    """Runs of an experiment failed, while others did not."""


class NonFiniteError(HyenaError, ArithmeticError):
    """Training produced a loss that is not a finite number."""
