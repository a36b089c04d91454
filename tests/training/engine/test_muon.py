"""Muon orthogonalises what it steps along, treats convolutions as matrices, and leaves the rest to AdamW."""

import copy

import pytest
import torch

from bokehbench.training.engine.muon import ADAMW_RMS, MuonAdamW, orthogonalise


def make_network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.SiLU(), torch.nn.Conv2d(8, 3, 3))


def groups(network, rate):
    """Muon for the first layer, AdamW for the last."""
    return [{"params": list(network[i].parameters()), "lr": rate, "muon": i == 0} for i in (0, 2)]


def train(network, optimiser, steps, first=0):
    for step in range(first, first + steps):
        draw = torch.Generator().manual_seed(step)
        picture = torch.rand(2, 3, 12, 12, generator=draw)
        loss = (network(picture) - picture[..., 2:-2, 2:-2].flip(1)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return loss.item()


@pytest.mark.parametrize("shape", [(16, 16), (16, 144), (144, 16)])
def test_singular_values_come_near_one_and_directions_stay(shape):
    matrix = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    U, S, Vh = torch.linalg.svd(matrix, full_matrices=False)
    result = orthogonalise(matrix)
    seen = (U.T @ result @ Vh.T).diagonal()
    assert ((seen > 0.6) & (seen < 1.25))[0.02 * matrix.norm() < S].all()
    torch.testing.assert_close(U.T @ result @ Vh.T, torch.diag(seen), rtol=0, atol=1e-10)


def test_plain_iteration_gives_the_same():
    matrix = torch.randn(8, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    X = matrix / matrix.norm()
    for _ in range(5):
        gram = X @ X.T
        X = 3.4445 * X + (-4.7750 * gram + 2.0315 * gram @ gram) @ X
    torch.testing.assert_close(orthogonalise(matrix), X)


def test_zero_gradient_moves_nothing():
    assert (orthogonalise(torch.zeros(4, 9)) == 0.0).all()


def test_convolution_steps_by_a_share_of_the_rate_and_others_by_adamw():
    network = make_network()
    before = [p.detach().clone() for p in network.parameters()]
    optimiser = MuonAdamW(groups(network, 1e-2), weight_decay=0.0)
    plain = make_network()
    adamw = torch.optim.AdamW(plain.parameters(), lr=1e-2, weight_decay=0.0)
    train(network, optimiser, 1)
    train(plain, adamw, 1)
    first, *others = (p.detach() for p in network.parameters())
    step = (first - before[0]).square().mean().sqrt()
    assert 0.6 * ADAMW_RMS * 1e-2 < step < 1.25 * ADAMW_RMS * 1e-2
    for mine, theirs in zip(others, list(plain.parameters())[1:], strict=True):
        torch.testing.assert_close(mine, theirs.detach())


def test_decay_shrinks_matrices_too():
    network = make_network()
    optimiser = MuonAdamW([{"params": list(network.parameters()), "lr": 0.1, "muon": True}], weight_decay=0.5)
    before = network[0].weight.detach().clone()
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    torch.testing.assert_close(network[0].weight.detach(), 0.95 * before)


def test_learns_and_goes_on_to_the_bit():
    network = make_network()
    optimiser = MuonAdamW(groups(network, 1e-2))
    start = train(network, optimiser, 1)
    train(network, optimiser, 19, first=1)
    weights = [p.detach().clone() for p in network.parameters()]
    state = copy.deepcopy(optimiser.state_dict())
    assert train(network, optimiser, 20, first=20) < 0.5 * start
    again = make_network()
    with torch.no_grad():
        for parameter, stored in zip(again.parameters(), weights, strict=True):
            parameter.copy_(stored)
    resumed = MuonAdamW(groups(again, 1e-2))
    resumed.load_state_dict(state)
    train(again, resumed, 20, first=20)
    for mine, theirs in zip(again.parameters(), network.parameters(), strict=True):
        assert torch.equal(mine, theirs)
