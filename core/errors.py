"""The mistakes a user can make, as exceptions that read as one line: what, expected, received, remedy."""


class BokehBenchError(Exception):
    """Base of every error the command line reports as one line with exit code 2 (or a failed case in the report)."""


class UnknownNameError(BokehBenchError):
    """A renderer, data set, metric or perturbation that no registry knows."""


class InvalidSceneError(BokehBenchError):
    """A scene whose tensors have the wrong shape, type or range."""


class WithheldInputError(BokehBenchError):
    """A renderer that read what its capabilities do not name."""


class SkippedSceneError(BokehBenchError):
    """A scene that a renderer cannot do, by its own word: no failure, and no picture either."""


class InvalidOutputError(BokehBenchError):
    """A renderer that returned something other than a finite image in [0,1] of the size that was asked for."""


class MissingDataError(BokehBenchError):
    """A data set that is not where it was looked for; the message says what to get and where to put it."""


class DamagedDataError(MissingDataError):
    """A file of a data set that is there, but is not what it should be; the message names it."""


class MissingWeightsError(BokehBenchError):
    """Model weights that are not at hand; the message says what to get and where to put it."""


class InvalidOptionError(BokehBenchError):
    """An option, a setting or a file that holds an impossible value."""


class DamagedRecordError(InvalidOptionError):
    """Something that the harness stored and that no longer is what was written; the message names file and entry."""
