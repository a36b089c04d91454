"""Another repository as a renderer: its pictures come from a worker that runs the repository's own Python."""

import logging
import os
import weakref
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...core.errors import (
    CaseError,
    InvalidOptionError,
    InvalidOutputError,
    MissingWeightsError,
    OutsideError,
    SkippedSceneError,
)
from ...core.scene import GivenScene, Scene
from ..interface import Capabilities, Cost
from ..learned import LearnedRenderer
from .adapter_info import OUTSIDE, find_adapter, read_info, say_how_to_get
from .clone import Clone, find_clone, find_commit, find_python, hash_clone
from .probes import make_card, probe
from .process import PROTOCOL, Worker, find_log_folder

log = logging.getLogger(__name__)

LOAD_LIMIT_S = 600.0
RENDER_LIMIT_S = 300.0
LIMIT_VARIABLE = "BOKEHBENCH_RENDER_LIMIT"
"""Names the seconds that a worker may take for a picture, where that is not RENDER_LIMIT_S."""

MOST_DEATHS = 3
"""After which a worker is not started again."""

FIELDS = {"focus": "focus_disparity", "blur strength": "blur_strength", "gamma": "gamma", "f-number": "f_number"}
"""Inputs that are numbers, and their names in a request: those of Scene."""


class OutsideRenderer(LearnedRenderer[Clone]):
    """Renders with the code and weights in a folder, through a file in ``adapters`` that knows how to call them.

    - ``checkpoint``: the folder, a clone of the repository with its weights and its Python: see docs/repositories.md.
    - ``adapter``: a file's name in ``adapters``; ``outside``: the folder's own ``bokehbench_adapter.py``.
    - ``variant``: which of the adapter's renderers; None: its first.
    - ``f_number``: of the aperture, for every scene, in place of the scene's own.

    One worker for each renderer loads once and renders many pictures. One that ends, or gives no answer within
    the limit, costs the picture that it was at; the next picture starts it again, until it has ended three times.
    Tensors of this process stay on the CPU: the device, ``worker_device``, is the worker's.
    """

    def __init__(
        self,
        name: str | None = None,
        checkpoint: str | None = None,
        adapter: str = OUTSIDE,
        variant: str | None = None,
        f_number: float | None = None,
    ):
        super().__init__(name, checkpoint)
        self.folder = Path(os.path.expanduser(checkpoint or "")).absolute()
        if not os.path.isdir(self.folder):  # a mistyped name is seen before anything runs
            base = (name or variant or adapter).partition("@")[0]
            raise InvalidOptionError(f"{self.folder}: no such folder: {say_how_to_get(base)}")
        render_limit()
        find_log_folder()
        self.adapter = find_adapter(adapter, self.folder)
        self.info = read_info(self.adapter)
        self.variant_name = variant or next(iter(self.info.variants))
        self.variant = self.info.variants[self.variant_name]
        self.f_number = f_number
        inputs = frozenset(self.variant.inputs or self.info.inputs) - ({"f-number"} if f_number else set())
        self.capabilities = Capabilities(  # type: ignore[misc]
            inputs=inputs, devices=self.info.devices, deterministic=self.info.deterministic
        )
        self.worker_device = torch.device("cpu")
        self._worker: Worker | None = None
        self._deaths = 0

    def find_weights(self, *, download: bool) -> Clone:
        """Find the files; nothing is ever downloaded."""
        return find_clone(self.variant_name, self.folder, self.info, self.variant)

    def label(self, files: Clone) -> str:
        """Return the variant, the clone's commit and a digest of the weights, as far as there are such."""
        return super().label(files) if files.paths else files.name

    @property
    def training(self) -> str | None:  # type: ignore[override]
        """What the authors' weights are, and in what this differs from the authors' script."""
        rights = f"licence: {self.info.licence}" if self.info.licence else ""
        return "; ".join(filter(None, (f"the weights of {self.info.title}", rights, self.info.differs)))

    def foreign_code(self) -> dict[str, str]:
        """Return digests of the repository's code, the adapter and the worker, and versions of the packages there."""
        return hash_clone(self.folder, self.adapter, self.variant)

    def accept(self, scene: Scene) -> GivenScene:
        """Do what every renderer does, and start the worker where it has ended."""
        given = super().accept(scene)
        if self._worker is None or not self._worker.alive:
            self._start()
        return given

    def _take_device(self, device: torch.device) -> torch.device:
        self.worker_device = device
        return torch.device("cpu")

    def _load_networks(self, files: Clone) -> None:
        commit = find_commit(files.folder)
        if self.info.commit and commit and commit != self.info.commit:
            log.warning(
                "%s: its adapter was written for commit %s, this is %s", self.name, self.info.commit[:8], commit[:8]
            )
        self._start()

    def _start(self) -> None:
        """Start a worker, let it load and render the card. Raises OutsideError where it has ended too often."""
        if self._deaths >= MOST_DEATHS:
            raise self._failure(f"the worker ended {MOST_DEATHS} times: it is not started again")
        if self._worker is not None:
            self._worker.close()
        worker = Worker(find_python(self.folder), self.adapter, self.folder)
        weakref.finalize(self, worker.close)  # also when this process ends
        self._worker = worker
        try:
            said = self._ask("hello", LOAD_LIMIT_S, protocol=PROTOCOL)
            self._check_cuda(said)
            self._ask("load", LOAD_LIMIT_S, device=str(self.worker_device), options=dict(self.variant.options))
            found = self._render_card()
        except BaseException:  # what has loaded nothing must not be asked for a picture
            self._deaths += worker.alive  # else ``_ask`` has counted it
            worker.close()
            self._worker = None
            raise
        about = f"Python {said['python']}, torch {said['torch']}, {self.worker_device}"
        self.backend = f"{about}; {found}" if found else about

    def _check_cuda(self, said: dict) -> None:
        """Raise InvalidOptionError where CUDA is asked for and the worker's own torch sees none."""
        if self.worker_device.type == "cuda" and said["torch"] and not said["cuda"]:
            remedy = ", or use --device cpu" if "cpu" in self.info.devices else ": it runs on nothing else"
            raise InvalidOptionError(
                f"{self.name}: device '{self.worker_device}': torch {said['torch']} of its Python sees no CUDA device"
                f": install one there that does{remedy}"
            )

    def _warm_up(self) -> None:
        """Do nothing: every worker that starts, this one or a later one, renders the card of ``probes``."""

    def _render_card(self) -> str:
        """Render a card, so that nothing is imported or compiled in a render that counts; return what it shows.

        A renderer that takes a lens gets the card of ``probes``. Raises OutsideError for what no lens
        does, and for what is no picture.
        """

        def render(scene: Scene) -> Tensor:
            return self.check(self._render(scene.given(self.capabilities.inputs), seed=0), scene)

        try:
            if not {"disparity", "focus", "blur strength"} <= self.capabilities.inputs:
                render(make_card())
                return ""
            result = probe(render)
        except SkippedSceneError as error:
            log.info("%s: it cannot render the test card: %s", self.name, error.reason)
            return ""
        except InvalidOutputError as error:
            raise self._failure(f"the test card: {error.reason}") from error
        if result.fault and self.info.probes == "raise":
            meant = "if the method means it, put 'probes': 'warn' into the adapter's INFO"
            raise self._failure(f"{result.fault} {meant}")
        if result.fault:
            log.warning("%s: %s", self.name, result.fault)
        return str(result)

    def _render(self, scene: Scene, seed: int) -> Tensor:
        assert self._worker is not None  # noqa: S101 - accept starts one
        inputs = self.capabilities.inputs
        folder = self._worker.folder
        paths = {name: str(folder / f"{name}.npy") for name in ("image", "disparity", "out")}
        np.save(paths["image"], np.ascontiguousarray(scene.image.permute(1, 2, 0).numpy()))
        if "disparity" in inputs:
            np.save(paths["disparity"], scene.disparity[0].numpy())
        params = {field: float(getattr(scene, field)) for word, field in FIELDS.items() if word in inputs}
        if self.f_number:
            params["f_number"] = self.f_number
        arrays = paths | ({} if "disparity" in inputs else {"disparity": None})
        reply = self._ask("render", render_limit(), params=params, seed=seed, **arrays)
        log.debug("%s on '%s': %s", self.name, scene.name, reply["used"])
        peak = reply["peak_bytes"]
        self.cost = Cost(float(reply["seconds"]), None if peak is None else peak / 2**20)
        try:
            picture = torch.from_numpy(np.load(paths["out"], allow_pickle=False))
        except (OSError, ValueError, TypeError) as error:
            reason = f"no picture came: {error}"
            raise InvalidOutputError(f"{self.name} on '{scene.name}': {reason}", reason) from error
        return picture.permute(2, 0, 1) if picture.ndim == 3 else picture

    def _ask(self, op: str, limit_s: float, **fields: object) -> dict:
        assert self._worker is not None  # noqa: S101
        try:
            return self._worker.ask(op, limit_s, **fields)
        except (OutsideError, MissingWeightsError, SkippedSceneError) as error:
            self._deaths += not self._worker.alive
            reasons = (error.reason,) if isinstance(error, CaseError) else ()
            raise type(error)(f"{self.name}: {error}", *reasons) from error

    def _failure(self, reason: str) -> OutsideError:
        return OutsideError(f"{self.name}: {reason}", reason)


def render_limit() -> float:
    """Return the seconds that a worker may take for a picture. Raises InvalidOptionError for no number above 0."""
    text = os.environ.get(LIMIT_VARIABLE, "")
    try:
        limit = float(text) if text else RENDER_LIMIT_S
    except ValueError:
        limit = 0.0
    if not 0.0 < limit < float("inf"):
        raise InvalidOptionError(f"{LIMIT_VARIABLE}: expected seconds above 0, got '{text}'")
    return limit
