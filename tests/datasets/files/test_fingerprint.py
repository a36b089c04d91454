import shutil
from pathlib import Path

from bokehbench.datasets.files.fingerprint import WHOLE_BYTES, fingerprint


def write(folder, name, content) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)


def of(folder) -> str:
    return fingerprint(folder, [folder / "small", folder / "big", folder / "absent"])


def test_equal_files_elsewhere_have_the_same_name(tmp_path) -> None:
    write(tmp_path / "a", "small", b"x")
    write(tmp_path / "a", "big", bytes(3 * WHOLE_BYTES))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert of(tmp_path / "a") == of(tmp_path / "b")


def test_an_unreadable_file_is_left_to_its_loader(tmp_path, monkeypatch) -> None:
    write(tmp_path / "a", "small", b"x")
    readable = of(tmp_path / "a")

    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    assert of(tmp_path / "a") != readable


def test_changes_show(tmp_path) -> None:
    folder = tmp_path / "a"
    write(folder, "small", b"x")
    write(folder, "big", bytes(3 * WHOLE_BYTES))
    names = {of(folder)}
    write(folder, "small", b"y")
    names.add(of(folder))
    write(folder, "big", bytes(3 * WHOLE_BYTES + 1))
    names.add(of(folder))
    write(folder, "big", bytes(3 * WHOLE_BYTES) + b"\1")
    names.add(of(folder))
    write(folder, "absent", b"")
    names.add(of(folder))
    (folder / "small").unlink()
    names.add(of(folder))
    names.add(fingerprint(folder, [folder / "small", folder / "big", folder / "absent"], "settings"))
    assert len(names) == 7
