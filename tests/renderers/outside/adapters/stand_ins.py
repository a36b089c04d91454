"""Stand-ins for five repositories, by file: modules of the names that adapters import, networks that change nothing.

They are written from what the adapters call; no code of the repositories is in them.
"""

KEEP = """
    import torch
    from torch import nn


    class Keep(nn.Module):
        def __init__(self, **config):
            super().__init__()
            self.gain = nn.Parameter(torch.zeros(1))
"""

FILES = {
    # Bokehlicious
    "method/config.py": """
        def bokehlicious_size_builder(size):
            return {"size": size}
    """,
    "method/model.py": f"""{KEEP}

    class Bokehlicious(Keep):
        def forward(self, source, bokeh_strength, pos_map, bokeh_strength_map):
            assert source.shape[-1] % 4 == source.shape[-2] % 4 == 0
            assert bokeh_strength.shape == (1,)
            assert pos_map.shape == (1, 2, *source.shape[2:])
            assert bokeh_strength_map.shape == (1, 1, *source.shape[2:])
            return source * self.gain
    """,
    "dataset/util.py": """
        import torch


        def calculate_aperture_embedding(tgt_av, max_av=2.0):
            return max_av / tgt_av


        def get_pos_map(w, h):
            return torch.zeros(h, w), torch.zeros(h, w)
    """,
    # Stacked DMSHN
    "DMSHN.py": f"""{KEEP}

    class DMSHN(Keep):
        def forward(self, picture):
            assert picture.shape == (1, 3, 1024, 1536)
            return picture * self.gain
    """,
    "stacked_DMSHN.py": """
        from DMSHN import DMSHN


        class stacked_DMSHN(DMSHN):
            pass
    """,
    # BokehDiff
    "diffusers.py": """
        from types import SimpleNamespace

        import torch
        from torch import nn

        __version__ = "0.32.1"


        class Part(nn.Module):
            def __init__(self):
                super().__init__()
                self.gain = nn.Parameter(torch.zeros(1))
                self.config = SimpleNamespace(scaling_factor=0.5)

            @classmethod
            def from_pretrained(cls, name, subfolder, use_safetensors=None):
                return cls()

            def enable_tiling(self):
                pass

            def set_attn_processor(self, processor):
                pass

            def encode(self, picture):
                return SimpleNamespace(latent_dist=SimpleNamespace(mode=lambda: picture))


        class Block(nn.Module):
            def set_processor(self, processor):
                self.processor = processor


        class UNet2DConditionModel(Part):
            def __init__(self):
                super().__init__()
                down = nn.ModuleDict({"attentions": nn.ModuleList([Block(), nn.Identity()])})
                self.down_blocks = nn.ModuleList([nn.Identity(), down])


        class AutoencoderKL(Part):
            pass


        class DDPMScheduler(Part):
            pass


        class FluxPipeline:
            device = "cpu"

            @classmethod
            def from_pretrained(cls, name, torch_dtype):
                return cls()

            def to(self, device):
                return self

            def load_lora_weights(self, folder, weight_name, adapter_name):
                assert weight_name == "bokehNet.safetensors"

            def set_adapters(self, names):
                assert names == ["bokeh"]
    """,
    "transformers.py": """
        from diffusers import Part

        CLIPTextModel = CLIPTextModelWithProjection = CLIPTokenizer = Part
    """,
    "custom_diffusers/attention_processor.py": "class AttnProcessor2_0: pass\n",
    "custom_diffusers/pipeline_sdxl.py": """
        import torch
        from torch import nn


        class TiledStableDiffusionXLPipeline:
            device = "cpu"

            def __init__(self, unet, vae, **parts):
                assert set(parts) == {
                    "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "scheduler", "add_watermarker"
                }
                self.unet, self.vae = unet, vae

            def to(self, device):
                return self

            def set_progress_bar_config(self, disable):
                pass

            def load_lora_weights(self, folder, weight_name):
                assert weight_name == "pytorch_lora_weights.safetensors"
                self.unet.lora_A = nn.Parameter(torch.zeros(1))

            def __call__(self, prompt, height, width, timesteps, latents, cross_attention_kwargs, **how):
                assert timesteps == [499]
                assert hasattr(self.unet.down_blocks[1]["attentions"][0], "processor")
                maps = cross_attention_kwargs["disp_coc"]
                assert maps.shape == (1, 2, height, width) and height >= 512 and width % 8 == 0
                assert (maps[:, 0].min(), maps[:, 0].max()) == (0, 1)
                print(f"plane {maps[:, 1].min():.0f}..{maps[:, 1].max():.4f}", flush=True)
                return [latents / self.vae.config.scaling_factor / 2 + 0.5]
    """,
    "PISA_attn_processor.py": """
        class AttnProcessorDistReciprocal:
            def __init__(self, hard, supersampling_num, segment_num, train):
                assert (hard, supersampling_num, segment_num, train) == (1e7, 5, 7, False)
    """,
    # MagicBokeh
    "magicbokeh.py": """
        import torch


        class model_test:
            device = "cpu"

            def __init__(self, args):
                torch.load(args.model_path)
                assert args.mixed_precision == "fp16"

            def __call__(self, lq, c_depth, c_msk, prompt):
                assert lq.shape == (1, 3, 512, 512) and c_depth.shape == c_msk.shape == (1, 1, 512, 512)
                assert set(c_msk.unique().tolist()) == {-1.0, 1.0}
                print(f"plane {c_depth.min():.4f}..{c_depth.max():.4f}", flush=True)
                return lq
    """,
    "inference.py": """
        import torch


        def extract_patches(images, patch_size=(512, 512), stride=256):
            return torch.stack([images]), [(0, 0)]


        def reconstruct_from_patches(patches, original_shape, positions, patch_size=(512, 512), overlap=256):
            return patches[0]
    """,
    "utils/wavelet_color_fix.py": """
        def adain_color_fix(target, source):
            assert target.size == source.size
            return target
    """,
    # Genfocus
    "Genfocus/pipeline/flux.py": """
        from types import SimpleNamespace


        class Condition:
            def __init__(self, condition, adapter, delta=None, scale=1.0, No_preprocess=False):
                self.condition, self.raw = condition, No_preprocess


        def seed_everything(seed):
            assert seed == 47


        def generate(pipeline, height, width, prompt, num_inference_steps, conditions, guidance_scale, kv_cache,
                     generator, NO_TILED_DENOISE):
            picture, maps = conditions
            assert height % 16 == width % 16 == 0 and num_inference_steps == 28 and NO_TILED_DENOISE
            assert maps.raw and maps.condition.shape == (1, 3, height, width)
            print(f"plane {maps.condition.min():.0f}..{maps.condition.max():.4f}", flush=True)
            return SimpleNamespace(images=[picture.condition])
    """,
}
