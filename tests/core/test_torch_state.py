import pytest
import torch

from bokehbench.core.torch_state import keeping_torch_state


def state():
    return torch.get_num_threads(), torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_plugin_changes_is_set_back(fails):
    before = state()
    try:
        with keeping_torch_state():
            torch.set_num_threads(before[0] + 1)
            torch.set_default_dtype(torch.float64)
            torch.set_default_device("meta")
            torch.set_grad_enabled(False)
            assert state() != before
            if fails:
                raise RuntimeError
    except RuntimeError:
        assert fails
    assert state() == before
