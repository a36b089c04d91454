import os
import threading
from pathlib import Path

import pytest

from bokehbench.core.working_folder import keeping_folder


@pytest.mark.parametrize("fails", [False, True])
def test_the_working_folder_is_set_back(tmp_path, monkeypatch, fails):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    try:
        with keeping_folder():
            os.chdir("elsewhere")
            if fails:
                raise RuntimeError
    except RuntimeError:
        assert fails
    assert Path.cwd() == tmp_path


def test_a_working_folder_that_is_gone_is_left_alone_before_and_left_behind_after(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gone = tmp_path / "gone"
    gone.mkdir()
    with keeping_folder():
        os.chdir(gone)
        gone.rmdir()
        with keeping_folder():
            pass
    assert Path.cwd() == tmp_path


def test_a_block_that_begins_where_another_one_has_led_goes_back_to_where_that_began(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs").mkdir()
    began, ended = threading.Event(), threading.Event()

    def beside():
        with keeping_folder():
            began.set()
            assert ended.wait(10.0)

    thread = threading.Thread(target=beside)
    with keeping_folder():
        os.chdir("theirs")
        thread.start()
        assert began.wait(10.0)
    assert Path.cwd() == tmp_path
    ended.set()
    thread.join()
    assert Path.cwd() == tmp_path
