"""The prompt never changes, so its embeddings are a constant: computed once, kept with the checkpoint."""

import logging
from pathlib import Path

import torch
from torch import Tensor, nn

from ...core.diffusers import ConfigMixin, ModelMixin, register_to_config
from .stored_networks import load_network, naming_damage

log = logging.getLogger(__name__)

PROMPT = "an excellent photo with a large aperture"
"""The authors' prompt."""

TEXT_FOLDERS = ("tokenizer", "tokenizer_2", "text_encoder", "text_encoder_2")
"""Sub-folders of an SDXL model in diffusers' layout that only the prompt needs."""


class PromptEmbeddings(ModelMixin, ConfigMixin):
    """What the U-Net's cross-attention sees: constants that save, load, move and convert like any part of a pipeline.

    - ``tokens`` (1,T,width): the sequence. - ``pooled`` (1,pooled_width): SDXL's summary; None where pooled_width is 0.

    A new one holds ones: with a single token, cross-attention is then a learned constant per channel (compact model).
    """

    @register_to_config
    def __init__(self, prompt: str = "", length: int = 1, width: int = 32, pooled_width: int = 0):
        super().__init__()
        self.tokens = nn.Parameter(torch.ones(1, length, width), requires_grad=False)
        self.pooled = nn.Parameter(torch.ones(1, pooled_width), requires_grad=False) if pooled_width else None

    @classmethod
    def from_tensors(cls, tokens: Tensor, pooled: Tensor, prompt: str) -> "PromptEmbeddings":
        """Wrap embeddings (1,T,width) and (1,pooled_width)."""
        embeddings = cls(prompt, tokens.shape[1], tokens.shape[2], pooled.shape[1])
        with torch.no_grad():
            embeddings.tokens.copy_(tokens)
            embeddings.pooled.copy_(pooled)
        return embeddings


def load_or_embed_prompt(stored: Path, backbone: Path) -> PromptEmbeddings:
    """Return the embeddings kept in the folder ``stored``; compute and keep them there if there are none.

    Only in the second case are the text encoders of ``backbone`` loaded. Where the folder cannot be written, a warning
    says that they will be loaded again next time.
    """
    if (stored / "config.json").is_file():
        return load_network(PromptEmbeddings, stored, torch.float32)
    with naming_damage(backbone):
        embeddings = embed_prompt(backbone)
    try:
        embeddings.save_pretrained(stored)
    except OSError as error:
        log.warning(
            "the prompt's embeddings cannot be kept in %s (%s): they are computed again next time", stored, error
        )
    return embeddings


@torch.inference_mode()
def embed_prompt(backbone: Path, prompt: str = PROMPT) -> PromptEmbeddings:
    """Embed ``prompt`` with both text encoders of an SDXL model in diffusers' layout, on the CPU in float32.

    SDXL's convention: the last hidden state but one of both, side by side, and the second's projected summary.
    """
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer  # slow to import, rarely needed

    states, pooled = [], torch.empty(0)
    for suffix, model in (("", CLIPTextModel), ("_2", CLIPTextModelWithProjection)):
        tokenizer = CLIPTokenizer.from_pretrained(backbone / f"tokenizer{suffix}", local_files_only=True)
        encoder = model.from_pretrained(
            backbone / f"text_encoder{suffix}", local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
        ids = tokenizer(
            prompt, padding="max_length", truncation=True, max_length=tokenizer.model_max_length, return_tensors="pt"
        ).input_ids
        output = encoder.eval()(ids, output_hidden_states=True)
        states.append(output.hidden_states[-2])
        pooled = output[0]
    return PromptEmbeddings.from_tensors(torch.cat(states, dim=-1), pooled, prompt)
