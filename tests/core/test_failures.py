"""An error's line tells where it arose: in a plug-in, not in the library that the plug-in called."""

import importlib
import re

import numpy as np

from bokehbench.core.errors import InvalidOptionError
from bokehbench.core.failures import describe_error


def catch(call):
    try:
        call()
    except ValueError as error:
        return error


def test_the_place_is_the_line_of_the_plugin(tmp_path, monkeypatch):
    text = "import json\nimport numpy as np\ndef stack():\n    np.stack([])\ndef parse():\n    json.loads('{')\n"
    (tmp_path / "my_blur.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    plugin = importlib.import_module("my_blur")
    assert re.fullmatch(r"ValueError: .* \(my_blur\.py, line 4\)", describe_error(catch(plugin.stack)))
    assert re.fullmatch(r"JSONDecodeError: .* \(my_blur\.py, line 6\)", describe_error(catch(plugin.parse)))


def test_messages_of_ours_and_errors_from_nowhere_have_no_place():
    assert describe_error(InvalidOptionError("no such thing")) == "no such thing"
    assert describe_error(ValueError("bad\nluck")) == "ValueError: bad luck"
    assert "test_failures.py" in describe_error(catch(lambda: np.stack([])))
