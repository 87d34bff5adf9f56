"""Errors a reader can act on: one line that names the parameter and the remedy."""

from __future__ import annotations


class DenoiseLibError(Exception):
    """Base of the errors that the command line prints without a traceback."""


class ParameterError(DenoiseLibError, ValueError):
    """A parameter has a value that cannot be used.

    Parameters
    ----------
    name : str
        The parameter, as the caller wrote it.
    value : object
        The value that was given.
    remedy : str
        What to give instead.

    Examples
    --------
    >>> raise ParameterError("batch", 0, "give 1 or more images a step")
    Traceback (most recent call last):
    denoise_lib.errors.ParameterError: batch = 0: give 1 or more images a step
    """

    def __init__(self, name: str, value: object, remedy: str) -> None:
        super().__init__(f"{name} = {value!r}: {remedy}")


class DamagedFileError(DenoiseLibError):
    """A file does not hold what its checksum or its record promises."""


class MissingDataError(DenoiseLibError):
    """Data that is needed is not on this machine and could not be fetched."""


class MissingNetworkError(DenoiseLibError):
    """A trained network is asked for where training is not allowed."""
