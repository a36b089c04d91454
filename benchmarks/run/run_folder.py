"""A run while a command adds to it: who holds it, what run.json says, when it began and finished."""

import logging
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import cast

from filelock import FileLock, Timeout

from ...core.atomic_files import sweep_tree
from ...core.errors import DISK_FULL, CannotWriteError, DamagedRecordError, InvalidOptionError
from ...core.files import set_aside
from .cases import UNPERTURBED, Case
from .environment import describe_environment
from .processes import Processes
from .reuse import Contents, find_reuse, used_contents
from .row_files import DAMAGED_LINES, merge_parts, set_damaged_lines_aside
from .run_record import Record, now
from .schema import DoubtRecord, Row, RunRecord
from .store import RUN_FILE, read_meta, write_meta

log = logging.getLogger(__name__)

LOCK = ".lock"


class RunFolder:
    """DIR/results/RUN, held by one command, whose ``processes`` share it: the main process writes what exists once.

    ``begin`` notes a command in run.json before its first case, ``finish`` when the last is done. A kill at any moment
    leaves what was stored: run.json is replaced as a whole, and rows are appended (``RowWriter``).
    """

    def __init__(self, folder: Path, processes: Processes):
        self.folder = folder
        self.processes = processes
        self._record: Record = {}
        self._earlier: Record = {}
        self._cases: Sequence[Case] = ()
        self._own: set[str] = set()
        self._environment = ""
        self._start = 0.0

    @classmethod
    @contextmanager
    def open(cls, folder: Path, processes: Processes | None = None) -> Iterator["RunFolder"]:
        """Hold the run until the end of the block; two commands writing one run would render the same cases.

        A run that never began leaves nothing. Raises InvalidOptionError when it was imported, another command holds it
        or the folder cannot be written.
        """
        run = cls(folder, processes or Processes())
        lock = None
        with run.processes.main_first():
            if run.processes.is_main:
                _refuse_imported(folder)
                lock = _acquire(folder)
        try:
            yield run
        finally:
            if lock is not None:
                _release(lock, folder)

    def begin(
        self,
        record: Record,
        cases: Sequence[Case],
        contents: Contents = MappingProxyType({}),
        metric_codes: Mapping[str, str] = MappingProxyType({}),
        *,
        fresh: bool = False,
    ) -> str:
        """Bring the run into order and note that a command starts now, on ``cases``.

        ``record``: see ``describe_run``; ``contents``: what the digests in rows stand for, which run.json keeps of
        earlier commands, too; ``metric_codes``: those of them that are of metrics, whose scores by other code do not
        count any more; ``fresh`` discards what is stored. Every process calls this, once nothing can refuse the command
        any more. Returns the id of this process's environment, which its rows carry.
        """
        environment, surroundings = describe_environment()
        everywhere = dict(self.processes.gather((environment, surroundings)))
        with self.processes.main_first():
            if self.processes.is_main:
                if fresh:
                    self._discard()
                sweep_tree(self.folder)
                earlier = _read_earlier(self.folder)
                for fault in set_damaged_lines_aside(self.folder):
                    log.warning("%s: moved to %s", fault, DAMAGED_LINES)
                merge_parts(self.folder)
                known = {"environments": everywhere, "contents": contents, "scored_by": metric_codes}
                self._earlier = earlier | {name: {**earlier.get(name, {}), **new} for name, new in known.items()}
                self._record = continue_record(earlier, record | {"cases": [case.key for case in cases]})
                self._cases = cases
                self._own = set(contents)
                self._write()
        self._environment = environment
        self._start = time.perf_counter()
        return environment

    def finish(
        self,
        before: Mapping[str, Row] = MappingProxyType({}),
        rows: Sequence[Row] = (),
        doubts: Sequence[DoubtRecord] = (),
    ) -> None:
        """Note that the command has come to its end, and what of the rows ``before`` it counted for its ``rows``.

        ``doubts``: what looks odd about its scenes.
        """
        seconds = round(time.perf_counter() - self._start, 3)
        self._record |= {"finished": now(), "seconds": seconds, "doubts": list(doubts)}
        with self.processes.main_first():
            if self.processes.is_main:
                contents, environments = self._earlier["contents"], self._earlier["environments"]
                self._record["reuse"] = find_reuse(before, rows, contents, environments, self._environment)
                used = used_contents(contents, [*before.values(), *rows])
                self._earlier["contents"] = used | {name: contents[name] for name in self._own if name in contents}
                self._write()

    def _write(self) -> None:
        write_meta(self.folder, cast(RunRecord, merge_records(self._earlier, self._record, self._cases)))

    def _discard(self) -> None:
        """Remove what earlier commands stored in this run, and nothing else."""
        rows = (path.name for path in self.folder.glob("rows-*.jsonl"))
        for name in (RUN_FILE, "latency.json", DAMAGED_LINES, *rows, "images", "scenes"):
            path = self.folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def merge_records(earlier: Record, record: Record, cases: Sequence[Case]) -> Record:
    """Put a command's record beside what the run already says.

    A plain benchmark is the record itself; a robustness sweep goes under ``sweep``, and its unperturbed cases stand for
    a benchmark where there was none, or only those of the sweep before.
    """
    unperturbed = [case.key for case in cases if case.perturbation == UNPERTURBED]
    if len(unperturbed) == len(cases):
        return earlier | record
    own_benchmark = "cases" in earlier and earlier["command"] != earlier.get("sweep", {}).get("command")
    benchmark = earlier if own_benchmark else earlier | record | {"cases": unperturbed}
    return benchmark | {"sweep": record}


def continue_record(earlier: Record, record: Record) -> Record:
    """Return a command's record with when the same command was first started on the same cases, and how often since.

    ``seconds`` is the last start's: what a killed one took is not known.
    """
    for previous in (earlier, earlier.get("sweep", {})):
        if all(previous.get(name) == record[name] for name in ("command", "cases")):
            return record | {"started": previous["started"], "starts": previous["starts"] + 1}
    return record


def _read_earlier(folder: Path) -> Record:
    """Return what run.json says so far, empty where there is none; a damaged one is set aside."""
    try:
        return dict(read_meta(folder) or {})
    except DamagedRecordError as error:
        aside = set_aside(folder / RUN_FILE)
        log.warning("%s: it is kept as %s, and a new one is begun; what is finished is kept", error, aside.name)
        return {}


def _refuse_imported(folder: Path) -> None:
    """Raise InvalidOptionError for a run that was measured elsewhere: its rows and ours must not mix."""
    with suppress(DamagedRecordError):  # its own command says what is wrong with it
        meta = read_meta(folder)
        if meta is not None and "imported" in meta:
            origin = meta["imported"]["file"]
            raise InvalidOptionError(f"{folder}: was imported from {origin}: measure in another run with --run NAME")


def _acquire(folder: Path) -> FileLock:
    """Create the folder and lock it for this process."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise InvalidOptionError(
            f"{folder}: another command is writing this run: wait for it, or use --run NAME"
        ) from error
    except OSError as error:
        if error.errno in DISK_FULL:
            raise CannotWriteError(folder, error) from error
        raise InvalidOptionError(
            f"{folder}: cannot write here ({error.strerror}): choose a folder with --output"
        ) from error
    return lock


def _release(lock: FileLock, folder: Path) -> None:
    """Give the run free; a folder that holds nothing but the lock is removed, as is ``results`` if it is empty then."""
    never_began = [path.name for path in folder.iterdir()] == [LOCK]
    if never_began:
        (folder / LOCK).unlink()
    with suppress(OSError):  # a plug-in that closes every file gives the run free, too
        lock.release()
    if never_began:
        with suppress(OSError):  # another command may have begun meanwhile
            folder.rmdir()
            folder.parent.rmdir()
