"""Where the radiance network starts: at the weights that imitate linear light, which a random start is far from."""

import torch

from ...core.optics import GAMMA
from ...renderers.defocus_to_focus.radiance import RadianceNetwork, power_weight

STEPS, COLOURS, RATE = 400, 512, 2e-2


def start_at_linear_light(network: RadianceNetwork, seed: int) -> None:
    """Fit the network to ``power_weight`` on random colours, half of them grey, in place; the same for a seed."""
    draw = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        colours = torch.rand(1, 3, COLOURS, 1, generator=draw)
        grey = torch.rand(1, 1, COLOURS, 1, generator=draw).expand(-1, 3, -1, -1)
        image = torch.cat([colours, grey], dim=2)
        loss = (network(image) - power_weight(image, GAMMA)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    optimiser.zero_grad()  # the training would add its first gradients to these
