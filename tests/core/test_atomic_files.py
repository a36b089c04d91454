import pytest

from bokehbench.core.atomic_files import write_atomically


def test_a_file_appears_whole_with_its_folders(tmp_path):
    write_atomically(tmp_path / "new" / "a.bin", lambda file: file.write(b"abc"))
    assert (tmp_path / "new" / "a.bin").read_bytes() == b"abc"
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "kept.txt"
    path.write_text("old")

    def fail(file):
        file.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]
    assert path.read_text() == "old"


def test_two_writers_of_one_path_do_not_tear_each_others_file(tmp_path):
    path = tmp_path / "shared.bin"

    def write_within(file):
        file.write(b"outer, ")
        write_atomically(path, lambda inner: inner.write(b"inner"))
        assert path.read_bytes() == b"inner"
        file.write(b"whole")

    write_atomically(path, write_within)
    assert path.read_bytes() == b"outer, whole"
    assert list(tmp_path.iterdir()) == [path]
