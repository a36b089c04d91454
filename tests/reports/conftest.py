"""A small stored run, written through the store's own functions."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bokehbench.benchmarks.run.row_files import RowWriter
from bokehbench.benchmarks.run.scene_record import record_scene
from bokehbench.benchmarks.run.store import StoredRun, write_meta
from bokehbench.core.files import safe_name, write_image, write_map
from bokehbench.renderers.interface import Scene
from bokehbench.reports.files.assets import Assets
from bokehbench.reports.report import write_report

from .nesting import find_misnested

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

HEIGHT, WIDTH = 48, 64
METRICS = {
    "psnr": {"unit": "dB", "higher_is_better": True, "description": "PSNR of RGB", "available": True, "reason": None},
    "lpips": {"unit": "", "higher_is_better": False, "description": "LPIPS", "available": True, "reason": None},
    "dists": {
        "unit": "",
        "higher_is_better": False,
        "description": "DISTS",
        "available": False,
        "reason": "no weights <here>: get them",
    },
}
WRONG_BAND = {
    "share": 0.2,
    "outside": 45.0,
    "true_inside": 42.0,
    "true_outside": 45.0,
    "true_image_sha256": "0" * 64,
    "measured_by": "code",
}
SEVERITIES = (-8, -4, 0, 4, 8)
CAPABILITIES = {"needs_disparity": True, "devices": ["cpu", "cuda"], "deterministic": True, "size_multiple": 1}


@pytest.fixture(scope="session", autouse=True)
def every_page_is_nested_as_html_allows():
    """Look at each page that a test here writes, the list of runs among them."""
    write = Assets.write

    def write_checked(assets, name, content):
        faults = find_misnested(content) if name.endswith(".html") else []
        assert not faults, f"{name}: {faults[:5]}"
        return write(assets, name, content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Assets, "write", write_checked)
        yield


class RunWriter:
    """Writes a run row by row; ``open`` finishes it. ``meta`` may be changed before."""

    def __init__(self, folder: Path, renderers: list[str], datasets: dict[str, bool]):
        self.folder = folder
        self.rows: list[dict] = []
        self.meta = {
            "run": "default",
            "command": "python run_bench.py --limit 3",
            "started": "2026-01-02T03:04:05Z",
            "finished": "2026-01-02T03:05:05Z",
            "seconds": 60.0,
            "settings": {"device": "cpu", "dtype": "float32", "seed": 7, "limit": 3},
            "environments": {
                "e1": {
                    "python": "3.11.7",
                    "processor": "Abacus",
                    "gpu": None,
                    "commit": "abc",
                    "packages": {"torch": "2"},
                }
            },
            "renderers": {
                name: {"summary": f"summary of {name}", "weights": None, "capabilities": CAPABILITIES}
                for name in renderers
            },
            "datasets": {
                name: {"protocol": f"protocol of {name}", "terms": "free", "scored": scored}
                for name, scored in datasets.items()
            },
            "metrics": {name: dict(metric) for name, metric in METRICS.items()},
        }

    def scene(self, dataset: str, name: str, cluster: str | None = None, focus: float = 0.8) -> None:
        """Record a scene with a depth edge; unscored data sets get no target."""
        disparity = torch.full((1, HEIGHT, WIDTH), 0.2)
        disparity[:, 12:36, 16:48] = 0.8
        image = _picture(name)
        scene = Scene(
            name=name,
            image=image,
            disparity=disparity,
            focus_disparity=focus,
            blur_strength=10.0,
            target=image.flip(2) if self.meta["datasets"][dataset]["scored"] else None,
        )
        record_scene(self.folder, dataset, cluster or name, scene)

    def case(self, dataset: str, scene: str, renderer: str, metrics: dict | None = None, **values) -> None:
        """Add a case: finished with a picture, or what ``values`` say."""
        row = {
            "schema": 1,
            "key": f"{dataset}/{scene}/{renderer}",
            "dataset": dataset,
            "scene": scene,
            "renderer": renderer,
            "perturbation": "none",
            "severity": 0,
            "seed": 7,
            "status": "ok",
            "reason": None,
            "metrics": metrics or {},
            "notes": {},
            "seconds": 0.25,
            "image": None,
            "image_sha256": None,
            "weights": None,
            "environment": "e1",
        } | values
        if row["status"] == "ok":
            row["image"] = f"images/{safe_name(dataset)}/{safe_name(scene)}/{safe_name(row['key'])}.png"
            row["image_sha256"] = write_image(self.folder / row["image"], _picture(row["key"]))
        self.rows.append(row)

    def sweep(self, dataset: str, scene: str, renderer: str, scores: dict[float, float]) -> None:
        """Add a renderer's cases along ``erode``: severity to PSNR; maps and scores in their wrong bands are stored."""
        for severity, score in scores.items():
            values: dict = {"metrics": {"psnr": score, "lpips": 1 / score}}
            if severity:
                name = f"erode-{severity:g}"
                path = f"scenes/{safe_name(dataset)}/{safe_name(scene)}/disparity-{name}-7.png"
                write_map(self.folder / path, torch.rand(1, HEIGHT, WIDTH), 0.0, 1.0)
                values |= {"perturbation": "erode", "severity": severity, "disparity": path}
                values["wrong_band"] = WRONG_BAND | {"inside": score - 6.0}
                values["key"] = f"{dataset}/{scene}/{renderer}/{name}"
            self.case(dataset, scene, renderer, **values)

    def open(self) -> StoredRun:
        """Write what is left and read it all back."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with RowWriter(self.folder) as writer:
            for row in self.rows:
                writer.append(row)
        unperturbed = [row["key"] for row in self.rows if row["perturbation"] == "none"]
        if "sweep" in self.meta:
            self.meta["sweep"] = {**self.meta, "cases": [row["key"] for row in self.rows], **self.meta["sweep"]}
        write_meta(self.folder, {"cases": unperturbed, **self.meta})
        return StoredRun.open(self.folder)


def _picture(name: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(name.encode()))
    coarse = torch.rand(1, 3, 6, 8, generator=generator)
    return torch.nn.functional.interpolate(coarse, (HEIGHT, WIDTH), mode="bilinear")[0]


@pytest.fixture
def run_writer(tmp_path) -> Callable[..., RunWriter]:
    """A factory of run writers: renderers, and data sets with whether they are scored."""

    def make(renderers=("plain", "fancy"), datasets=None) -> RunWriter:
        return RunWriter(tmp_path / "results" / "default", list(renderers), datasets or {"pairs": True})

    return make


@pytest.fixture(scope="session")
def typical_folder(tmp_path_factory) -> Path:
    """Two renderers on a scored data set with a failure and a missing value, and on a focal stack."""
    folder = tmp_path_factory.mktemp("typical") / "default"
    writer = RunWriter(folder, ["plain", "fancy"], {"pairs": True, "stack": False})
    generator = np.random.default_rng(0)
    for number in range(4):
        writer.scene("pairs", f"scene {number}")
        for renderer, bonus in (("plain", 0.0), ("fancy", 3.0)):
            if (number, renderer) == (3, "fancy"):
                writer.case("pairs", f"scene {number}", renderer, status="failed", reason="out of memory: buy some")
                continue
            psnr = 30 + bonus + float(generator.normal())
            lpips = None if number == 2 else 0.1 + float(generator.random()) / 10
            notes = {"lpips": "not defined on this scene"} if number == 2 else {}
            writer.case("pairs", f"scene {number}", renderer, {"psnr": psnr, "lpips": lpips}, notes=notes, weights="w1")
    for focus in (0.8, 0.2):
        writer.scene("stack", f"focus {focus}", cluster="still life", focus=focus)
        for renderer in ("plain", "fancy"):
            writer.case("stack", f"focus {focus}", renderer)
    return writer.open().folder


@pytest.fixture
def typical_run(typical_folder) -> StoredRun:
    """The typical run, read again: its rows may be changed, its files may not."""
    return StoredRun.open(typical_folder)


@pytest.fixture(scope="session")
def typical_report(typical_folder, tmp_path_factory) -> Path:
    """The report of the typical run, to be read."""
    return write_report(StoredRun.open(typical_folder), tmp_path_factory.mktemp("typical-report")).parent


@pytest.fixture(scope="session")
def swept_folder(tmp_path_factory) -> Path:
    """Three renderers along five severities on eight scenes: one steady, one fragile, one that reads no disparity."""
    writer = RunWriter(tmp_path_factory.mktemp("swept") / "default", ["steady", "fragile", "blind"], {"pairs": True})
    writer.meta["renderers"]["blind"]["capabilities"] = CAPABILITIES | {"needs_disparity": False}
    writer.meta["sweep"] = {"command": "python run_bench.py --robustness"}
    writer.meta["sweep"]["settings"] = writer.meta["settings"] | {"perturbations": [["erode", s] for s in SEVERITIES]}
    generator = np.random.default_rng(1)
    for renderer, slope in (("steady", 0.1), ("fragile", 0.5), ("blind", 0.0)):
        for number in range(8):
            writer.scene("pairs", f"scene {number}")
            scores = {s: 30 + number - slope * abs(s) + slope * generator.normal() for s in SEVERITIES}
            writer.sweep("pairs", f"scene {number}", renderer, scores)
    return writer.open().folder


@pytest.fixture
def swept_run(swept_folder) -> StoredRun:
    """The swept run, read again, without its wrong bands: its rows may be changed, its files may not."""
    run = StoredRun.open(swept_folder)
    for row in run.sweep:
        row["wrong_band"] = None
    return run


@pytest.fixture(scope="session")
def swept_report(swept_folder, tmp_path_factory) -> Path:
    """The report of the swept run, to be read."""
    return write_report(StoredRun.open(swept_folder), tmp_path_factory.mktemp("swept-report")).parent


@pytest.fixture(scope="session")
def compared_folders(tmp_path_factory) -> tuple[Path, Path]:
    """Runs ``before`` and ``after``: fancy got 1 dB better, plain is the same, and each has a renderer of its own."""
    folders = []
    for name, bonus, own in (("before", 0.0, "old"), ("after", 1.0, "new")):
        writer = RunWriter(tmp_path_factory.mktemp("compared") / name, ["plain", "fancy", own], {"pairs": True})
        generator = np.random.default_rng(2)
        writer.meta |= {"command": f"python run_bench.py --run {name}"}
        writer.meta["environments"]["e1"]["packages"]["torch"] = name
        for number in range(10):
            writer.scene("pairs", f"s{number}")
            for renderer in ("plain", "fancy", own):
                psnr = 30 + number + bonus * (renderer == "fancy") * (1 + 0.1 * generator.normal())
                writer.case("pairs", f"s{number}", renderer, {"psnr": psnr, "lpips": 0.2 if number else None})
        folders.append(writer.open().folder)
    return folders[0], folders[1]


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, driven by playwright; skips with the reason where either is absent."""
    if BROWSER is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        # Chromium refuses its sandbox to root.
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        opened = driver.chromium.launch(executable_path=BROWSER, args=sandbox)
        yield opened
        opened.close()


@pytest.fixture
def watch(browser):
    """Opens pages; fails the test on console errors and on requests that leave the disk."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    wrong = []
    opened.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda request: None if request.url.startswith("file:") else wrong.append(request.url))
    aborted = "net::ERR_ABORTED"  # by a page that was left before all its pictures were there
    opened.on("requestfailed", lambda request: request.failure != aborted and wrong.append(f"failed: {request.url}"))

    def open_page(path):
        opened.goto(path.as_uri())
        return opened

    yield open_page
    context.close()
    assert wrong == []
