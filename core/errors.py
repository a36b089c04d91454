"""The mistakes a user can make, as exceptions that read as one line: what, expected, received, remedy."""

import errno
import re
from pathlib import Path

from .text import printable, shortened


class BokehBenchError(Exception):
    """Base of every error the command line reports as one line with exit code 2 (or a failed case in the report).

    Its text is one printable line, whatever names and paths it holds.
    """

    def __str__(self) -> str:
        return shortened(printable(re.sub(r"\s*[\r\n]\s*", " ", super().__str__())))


class UnknownNameError(BokehBenchError):
    """A renderer, data set, metric or perturbation that no registry knows."""


class PluginError(BokehBenchError):
    """A plug-in that cannot be imported or created."""


class InvalidSceneError(BokehBenchError):
    """A scene whose tensors have the wrong shape, type or range."""


class WithheldInputError(BokehBenchError):
    """A renderer that read what its capabilities do not name."""


class CaseError(BokehBenchError):
    """What befell a renderer on a scene; ``reason`` is the message short of their names, which a row has already."""

    def __init__(self, message: str, reason: str = ""):
        super().__init__(message)
        self.reason = reason or message


class SkippedSceneError(CaseError):
    """A scene that a renderer cannot do, by its own word ``reason``: no failure, and no picture either."""


class InvalidOutputError(CaseError):
    """A renderer that returned something other than a finite image in [0,1] of the size that was asked for."""


class MissingDataError(BokehBenchError):
    """A data set that is not where it was looked for; the message says what to get and where to put it."""


class IncompleteDataError(MissingDataError):
    """A scene whose settings leave out what has to be chosen; the message says what to add where."""


class DamagedDataError(MissingDataError):
    """A file of a data set that is there, but is not what it should be; the message names it."""


class MissingWeightsError(BokehBenchError):
    """Model weights that are not at hand; the message says what to get and where to put it."""


class MissingPackageError(MissingWeightsError):
    """A package that the light install leaves out: what needs it is left out as what lacks its weights is."""


class OutsideError(CaseError):
    """Another program that renders: absent, failed, ended, without an answer, or with one that is none."""


class InvalidOptionError(BokehBenchError):
    """An option, a setting or a file that holds an impossible value."""


class InvalidBundleError(BokehBenchError):
    """A file that should be a result bundle and is none, or holds what no bundle may; the message names the member."""


class LostProcessError(BokehBenchError):
    """Another process of this command that did not come, has ended or does not answer."""


class DamagedRecordError(InvalidOptionError):
    """Something that the harness stored and that no longer is what was written; the message names file and entry."""


class CannotWriteError(InvalidOptionError):
    """A file that the system does not let be written: it ends a command, since the next file would meet the same.

    ``path``: the file, None where the system does not say, as of temporary files and those of libraries' caches;
    ``elsewhere``: the option or variable that names another place for it; ``goes_on``: whether the same command goes on
    from what it has finished, which the command says (``ends_in_one_line``) unless who raises the error says no.
    """

    goes_on = True

    def __init__(self, path: Path | str | None, error: OSError, elsewhere: str = ""):
        super().__init__(path, error, elsewhere)
        self.path, self.error, self.elsewhere = path, error, elsewhere if path else CACHES

    def __str__(self) -> str:
        what, remedy = WRITE_ERRORS.get(self.error.errno or 0, ("cannot be written", "see to it"))
        if self.error.errno not in IN_THE_WAY:
            place = f", or write elsewhere with {self.elsewhere}" if self.elsewhere else ""
            remedy = (
                f"{remedy}{place}, then give the same command{': what is finished is kept' if self.goes_on else ''}"
            )
        return printable(f"{self.path or 'a temporary or cached file'}: {what} ({self.error.strerror}): {remedy}")


CACHES = "TMPDIR or NUMBA_CACHE_DIR"

WRITE_ERRORS = {
    errno.ENOSPC: ("the disk is full", "free space there"),
    errno.EDQUOT: ("the disk quota is used up", "free space there"),
    errno.EFBIG: ("the file is larger than the system allows", "raise the limit (ulimit -f)"),
    errno.EROFS: ("the file system is read-only", "make it writable"),
    errno.EIO: ("the disk does not take the file", "check the disk"),
    errno.EACCES: ("no permission to write here", "allow it"),
    errno.EPERM: ("no permission to write here", "allow it"),
    errno.ENAMETOOLONG: ("the name is too long", "choose a shorter one"),
    errno.ELOOP: ("the links lead round in a circle", "remove them"),
    errno.EMFILE: ("too many files are open", "raise the limit (ulimit -n)"),
    errno.ENFILE: ("too many files are open", "end other programs"),
    errno.EBADF: ("something that runs in this process has closed the file", "leave out the plug-in that does"),
    **dict.fromkeys(
        IN_THE_WAY := (errno.EISDIR, errno.ENOTDIR, errno.EEXIST), ("something else is in the way", "move it away")
    ),
}
"""What the system's refusals to write mean, and what helps."""

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Refusals that only writing meets, and every later write too."""
