"""A bundle as a zip file that nobody vouches for: nothing is unpacked before it is known to be small and plain."""

import hashlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

from ...core.errors import InvalidBundleError
from ..run.row_files import STORED_PATH
from .schema import LARGEST_DIRECTORY_BYTES, LARGEST_MEMBER_BYTES, MANIFEST, MOST_MEMBERS, TEXTS

END = struct.Struct("<4s4H2LH")
"""A zip file's end record: signature, disks (two numbers), members (two), directory's size and place, comment."""

END_SIGNATURE, ZIP64_SIGNATURE = b"PK\5\6", b"PK\6\7"
ZIP64_LOCATOR_BYTES = 20

DAMAGED = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
    struct.error,
    zlib.error,
)
"""What ``zipfile`` raises for files that are damaged or made up."""


class Archive:
    """The members of a zip file, by name, once their names, kinds and sizes are those of a bundle.

    Raises InvalidBundleError, which names ``where``.
    """

    def __init__(self, file: BinaryIO, where: str):
        self.where = where
        size = _check_end(file, where)
        with self._explained("cannot be read as a zip file"):
            self._zip = zipfile.ZipFile(file)
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            fault = _find_fault(info)
            if info.filename in self._members:
                fault = "is there twice"
            if fault:
                raise InvalidBundleError(f"{where}: member {info.orig_filename[:80]!r}: {fault}")
            self._members[info.filename] = info
        if min((info.header_offset for info in self._zip.infolist()), default=0) > 0:
            raise InvalidBundleError(f"{where}: expected one bundle, got other bytes before it: get it again")
        pictures = sum(info.file_size for name, info in self._members.items() if name not in TEXTS)
        if pictures > size:
            raise InvalidBundleError(f"{where}: its pictures claim {pictures} bytes, more than the {size} of the file")

    @property
    def names(self) -> list[str]:
        """The members' names, the manifest's among them."""
        return list(self._members)

    def read(self, name: str) -> bytes:
        """Return a member's content. Raises InvalidBundleError where there is none, or it is damaged."""
        if name not in self._members:
            raise InvalidBundleError(f"{self.where}: expected a member {name}, found none: is it a result bundle?")
        info = self._members[name]
        with self._explained(f"{name}: damaged"), self._zip.open(info) as member:
            # With a number zipfile unpacks no more than that; without, a made-up member comes to 2 GiB.
            content = member.read(info.file_size + 1)
        if len(content) != info.file_size:
            raise InvalidBundleError(f"{self.where}: {name}: damaged: {len(content)} of {info.file_size} bytes")
        return content

    def read_checked(self, name: str, sha256: str) -> bytes:
        """Do the same. Raises InvalidBundleError, too, where the content has another digest."""
        content = self.read(name)
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            raise InvalidBundleError(
                f"{self.where}: {name}: expected SHA-256 {sha256[:16]}..., got {found[:16]}...: changed or damaged"
            )
        return content

    def check_list(self, listed: Mapping[str, object]) -> None:
        """Raise InvalidBundleError where the members are not those that the manifest lists."""
        found = set(self._members) - {MANIFEST}
        for name in sorted(found ^ set(listed)):
            what = "in the manifest, but not in the file" if name in listed else "in the file, but not in the manifest"
            raise InvalidBundleError(f"{self.where}: member {name[:80]!r}: {what}")

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except DAMAGED as error:
            raise InvalidBundleError(f"{self.where}: {what}: {error}: get the bundle again") from error


def _check_end(file: BinaryIO, where: str) -> int:
    """Return the file's size. Raises InvalidBundleError unless it ends as a zip file with a small directory does.

    ``zipfile`` reads the whole directory, however large, before anything can be asked about it.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - END.size - ZIP64_LOCATOR_BYTES))
    tail = file.read()
    if not tail[-END.size :].startswith(END_SIGNATURE):
        raise InvalidBundleError(f"{where}: expected a result bundle, got another file or a part of one: get it again")
    *_, members, directory, _, _ = END.unpack(tail[-END.size :])
    if tail.startswith(ZIP64_SIGNATURE) or members > MOST_MEMBERS or directory > LARGEST_DIRECTORY_BYTES:
        raise InvalidBundleError(f"{where}: expected a bundle of at most {MOST_MEMBERS} members, got more")
    return size


def _find_fault(info: zipfile.ZipInfo) -> str:
    """Return why a bundle has no such member; empty where it may."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    is_text = info.filename in TEXTS
    if kind not in (0, stat.S_IFREG):
        return "a link or no regular file"
    if info.orig_filename != info.filename or not (is_text or STORED_PATH.fullmatch(info.filename)):
        return f"no member of a bundle: expected {', '.join(TEXTS)} or pictures below images/ and scenes/"
    if info.flag_bits & 1:
        return "encrypted"
    if info.compress_type not in ((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) if is_text else (zipfile.ZIP_STORED,)):
        return "packed in another way than bundles are"
    if info.file_size > LARGEST_MEMBER_BYTES:
        return f"{info.file_size} bytes, expected at most {LARGEST_MEMBER_BYTES}"
    return ""
