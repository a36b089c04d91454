import pytest

from bokehbench.core.checks import check, check_choice
from bokehbench.core.errors import InvalidOptionError


def test_what_is_valid_passes():
    check("rays", 1, True, "1 to 255")
    check_choice("pooling", "area", ("area", "bilinear"))


def test_the_message_names_setting_expectation_and_value():
    with pytest.raises(InvalidOptionError, match=r"^rays: expected 1 to 255, got 0$"):
        check("rays", 0, False, "1 to 255")
    with pytest.raises(InvalidOptionError, match=r"^pooling: expected area or bilinear, got 'arae'$"):
        check_choice("pooling", "arae", ("area", "bilinear"))
