"""Which tasks can be trained: their names, and the type of each one's entry ``model``, which builds the task.

A task of another package enters through the entry-point group ``bokehbench.tasks``.
"""

from ..core.registry import Entry, LazyRegistry

TASKS = LazyRegistry(
    "task",
    "bokehbench.tasks",
    {
        "bokehdiff/autoencoder": Entry(
            ".training.bokehdiff.config:AutoencoderConfig", "the compact model's autoencoder, on photographs"
        ),
        "bokehdiff/latent": Entry(
            ".training.bokehdiff.config:LatentConfig",
            "BokehDiff's U-Net against the target's latent: the compact model",
        ),
        "bokehdiff/picture": Entry(
            ".training.bokehdiff.config:PictureConfig", "BokehDiff as the paper trains it, on SDXL: Eq. 10-12"
        ),
        "bokehme/networks": Entry(".training.bokehme.config:BokehMeConfig", "BokehMe's two networks, as they render"),
        "defocus-to-focus/defocus": Entry(
            ".training.defocus_to_focus.config:DefocusConfig",
            "Defocus to Focus, first stage: what is in focus, guessed, and how bright pixels count",
        ),
        "defocus-to-focus/fusion": Entry(
            ".training.defocus_to_focus.config:FusionConfig", "its second stage: where the sharp picture shows"
        ),
        "magicbokeh/network": Entry(
            ".training.magicbokeh.config:MagicBokehConfig",
            "MagicBokeh's compact network: cleans pictures and blurs them, its branches in turns",
        ),
        "restore-disparity/network": Entry(
            ".training.restore_disparity.config:RestoreDisparityConfig",
            "what restores disparity maps that are as poor as their pictures: NAME+restore-disparity",
        ),
    },
)
