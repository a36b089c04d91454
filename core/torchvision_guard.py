"""Lets torchvision import beside a torch built without CUDA. Importing this module imports nothing."""

import importlib

from .light_install import explain_missing

OPERATORS = ("nms", "qnms")
"""The compiled operators that torchvision registers Python functions for while it is imported."""

SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def ensure_torchvision() -> None:
    """Import torchvision, also where its compiled operators cannot be loaded.

    The package registry's torchvision is linked against a CUDA torch. Beside a CPU-only torch its library does not
    load, and the import ends with ``operator torchvision::nms does not exist``, and with it that of lpips, pyiqa, timm,
    peft, transformers' CLIPTextModel and diffusers' SDXL pipeline. The import only needs the operators' schemas, so
    these are declared and it is tried again. Nothing here calls the operators (boxes of detectors); who calls them gets
    torch's NotImplementedError. Where torchvision imports, this is that import and nothing else.

    Call it before importing any of those packages. Raises MissingPackageError where torchvision is not installed, and
    whatever else keeps it from being imported.
    """
    try:
        importlib.import_module("torchvision")
        return
    except ModuleNotFoundError as error:
        raise explain_missing(error) or error from error
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
    _declare_operators()
    importlib.import_module("torchvision")


def _declare_operators() -> None:
    import torch  # here, so that listing names stays free of torch

    for name in OPERATORS:
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(f"torchvision::{name}", SCHEMA)
