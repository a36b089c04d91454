"""A report's files: one writer at a time, stale ones removed, a damaged ledger costs nothing but a word."""

import time

import pytest

from bokehbench.core.errors import InvalidOptionError
from bokehbench.reports.files import assets
from bokehbench.reports.files.assets import LEDGER, Assets, writing

from ...lock_holder import held_elsewhere


def test_second_writer_waits_for_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "LONGEST_WAIT_S", 0.1)
    with writing(tmp_path, "one"):
        (lock,) = tmp_path.glob(".*")
        with pytest.raises(InvalidOptionError, match="another command is still writing"), writing(tmp_path, "two"):
            pass
    with held_elsewhere(lock) as release:
        with pytest.raises(InvalidOptionError, match="another command is still writing"), writing(tmp_path, "two"):
            pass
        monkeypatch.setattr(assets, "LONGEST_WAIT_S", 60)
        release()
        start = time.monotonic()
        with writing(tmp_path, "two") as found:
            found.write("page.html", "<p></p>")
        assert time.monotonic() - start < 30
    assert (tmp_path / "two" / "page.html").read_text() == "<p></p>"


@pytest.mark.parametrize("content", ["{", "[1]", '{"a": 1}', b"\xff\xfe".decode("latin-1")])
def test_damaged_ledger_is_said_and_mended(tmp_path, caplog, content):
    (tmp_path / "assets").mkdir()
    (tmp_path / LEDGER).write_text(content, encoding="latin-1")
    (tmp_path / "assets" / "old.svg").write_text("kept: nobody knows whose it is")
    for _ in range(2):
        report = Assets(tmp_path)
        report.write("index.html", "<p></p>")
        report.remove_stale()
    assert [record.getMessage().count("is damaged") for record in caplog.records] == [1]
    assert (tmp_path / "assets" / "old.svg").exists()
    Assets(tmp_path).remove_stale()
    assert not (tmp_path / "index.html").exists()
