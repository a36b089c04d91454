import re
from html.parser import HTMLParser

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.core.files import write_image
from bokehbench.reports.report import write_report

LIST = "../index.html"
"""The list of runs: the only reference that leaves a report's folder."""

HOSTILE = "<script>alert(1)</script>\"'/../ü&#x27; onerror=x {{ 7*7 }}"


class Page(HTMLParser):
    """Collects what the tests ask for."""

    VOID = ("meta", "link", "img", "br", "input", "wbr")

    def __init__(self, text):
        super().__init__()
        self.references, self.scripts, self.handlers, self.images, self.ids = [], 0, [], [], []
        self.open, self.words, self.stray_heads = [], [], 0
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.references += [values[key] for key in ("src", "href") if key in values]
        self.handlers += [key for key in values if key.startswith("on")]
        self.scripts += tag == "script"
        self.stray_heads += tag == "th" and "scope" not in values
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "img" and "data-picture" not in values and "data-other" not in values:
            self.images.append(values)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def read(page):
    text = page.read_text(encoding="utf-8")
    return Page(text), text


def write(run, reports, page="index.html"):
    return read(write_report(run, reports).parent / page)


def assert_sound(page, folder):
    """Every reference is a file of the report or a place on the page; nothing comes from elsewhere."""
    for reference in page.references:
        if reference == LIST:
            continue
        file, _, place = reference.partition("#")
        place = place.partition("?")[0]  # what the address says of the place
        ids = Page((folder / file).read_text(encoding="utf-8")).ids if file.endswith(".html") else page.ids
        assert not place or place in ids, reference
        assert not file or (folder / file).is_file(), reference
        assert (folder / file).resolve().is_relative_to(folder.resolve())
    assert len(set(page.ids)) == len(page.ids)
    assert page.open == []
    assert page.handlers == []
    assert page.scripts in (2, 5, 6)
    assert page.stray_heads == 0


def test_structure_and_references(typical_report):
    page, text = read(typical_report / "index.html")
    assert_sound(page, typical_report)
    assert "http:" not in text
    assert "https:" not in text
    for words in (
        "python run_bench.py --limit 3",
        "Abacus",
        "abc",
        "w1",
        "summary of plain",
        "protocol of pairs",
        "free",
    ):
        assert words in page.text
    assert "↑ higher is better, dB" in page.text
    assert "↓ lower is better" in page.text
    assert "Means over the 3 of 4 scenes on which every renderer has a score (lpips over 2)" in page.text
    assert "on 2 of 3 scenes" in page.text


def test_pictures_are_lazy_and_described(typical_report):
    page, _ = read(typical_report / "gallery.html")
    shown = [image for image in page.images if "pictures/" in image["src"]]
    # 4 scenes: input, disparity, target, 2 renders, 2 error maps as thumbnails, overview and 4 crops; less the failure.
    # 2 scenes without truth: input, disparity, 2 renders, overview and 3 crops.
    assert len(shown) == 4 * (7 + 5) - 3 + 2 * (4 + 4)
    assert all(image["alt"] for image in shown)
    at_once = [image for image in shown if "loading" not in image]
    assert at_once == shown[:7], "those of the first scene, in the first screen"
    assert all(image["loading"] == "lazy" for image in shown[7:])
    thumbnails = [image for image in shown if image["src"].endswith(".webp")]
    assert all(int(image["width"]) == 64 and int(image["height"]) == 48 for image in thumbnails)


def test_what_did_not_work_stands_before_the_results(typical_report):
    page, _ = read(typical_report / "index.html")
    top, _, below = page.text.partition(" Renderer psnr ")
    assert "fancy failed: out of memory: buy some 1 case pairs / scene 3" in top
    folded = below.partition("How this was made: machine, weights, command; not computed: dists")[2]
    assert "The metric dists was not computed: no weights <here>: get them" in folded.partition("Reproduce it with")[0]
    gallery, _ = read(typical_report / "gallery.html")
    assert "failed: out of memory: buy some" in gallery.text


def test_all_good_is_said(run_writer, tmp_path):
    writer = run_writer()
    del writer.meta["metrics"]["dists"]
    writer.scene("pairs", "s")
    for renderer in ("plain", "fancy"):
        writer.case("pairs", "s", renderer, {"psnr": 30.0, "lpips": 0.1})
    page, _ = write(writer.open(), tmp_path / "reports")
    assert "Every planned case was rendered" in page.text
    assert "What did not work" not in page.text


def test_interrupted_run_and_damaged_pictures_are_said(run_writer, tmp_path):
    writer = run_writer(datasets={"pairs": True, "absent": True})
    writer.meta |= {"cases": ["pairs/s/plain", "pairs/s/fancy", "pairs/t/plain"], "finished": None, "seconds": None}
    writer.scene("pairs", "s")
    for renderer in ("plain", "fancy"):
        writer.case("pairs", "s", renderer, {"psnr": 30.0, "lpips": 0.1})
    run = writer.open()
    (run.folder / run.rows[0]["image"]).unlink()
    write_image(run.folder / run.rows[1]["image"], torch.zeros(3, 48, 64))
    page, _ = write(run, tmp_path / "reports")
    assert_sound(page, tmp_path / "reports" / "default")
    assert "No case of this data set has finished" in page.text
    assert "1 of 3 planned cases have not been run." in page.text
    assert "not finished" in page.text
    assert "plain without its picture: the picture is missing" in page.text
    assert "fancy without its picture: the picture has changed since it was scored" in page.text


def test_value_that_is_not_defined_is_a_dash_with_its_reason(typical_report):
    _, text = read(typical_report / "gallery.html")
    assert text.count('<dd title="not defined on this scene">—') == 2


def test_unscored_scenes_of_a_cluster_go_from_far_focus_to_near(typical_report):
    page, _ = read(typical_report / "gallery.html")
    assert "Not scored: there is no ground truth for these pictures." in page.text
    strip = page.text.partition("Not scored")[2]
    assert strip.index("focus 0.2") < strip.index("focus 0.8")


@pytest.mark.parametrize("name", [HOSTILE, "../../../etc/passwd", "日本 語", "a" * 300])
def test_hostile_names_stay_text_and_in_the_folder(run_writer, tmp_path, name):
    writer = run_writer([name, "fancy"], {name: True, f"{name} 2": False})
    for dataset in (name, f"{name} 2"):
        writer.scene(dataset, name)
        writer.case(dataset, name, name, {"psnr": 30.0, "lpips": None}, notes={"lpips": name}, weights=name)
        writer.case(dataset, name, "fancy", status="failed", reason=name)
    writer.meta["metrics"]["dists"]["reason"] = name
    writer.meta["command"] = name
    before = set(tmp_path.rglob("*"))
    run = writer.open()
    for file in ("index.html", "gallery.html"):
        page, text = write(run, tmp_path / "reports", file)
        assert_sound(page, tmp_path / "reports" / "default")
        assert " ".join(name.split()) in page.text
        assert "<script>alert" not in text
    made = set(tmp_path.rglob("*")) - before
    assert all(path.is_relative_to(tmp_path / "reports") or path.is_relative_to(writer.folder) for path in made)


def test_rebuilding_changes_nothing(typical_run, tmp_path):
    def contents():
        return {path: path.read_bytes() for path in (tmp_path / "reports").rglob("*") if path.is_file()}

    write_report(typical_run, tmp_path / "reports")
    first = contents()
    write_report(typical_run, tmp_path / "reports")
    assert contents() == first


def test_stale_assets_go_and_foreign_files_stay(typical_run, run_writer, tmp_path):
    folder = write_report(typical_run, tmp_path / "reports").parent
    foreign = [folder / "page.py", folder / "assets" / "mine.png", folder / "assets" / "pictures" / "mine.png"]
    for path in foreign:
        path.write_text("mine")
    ledger = folder / "assets" / "made-by-bokehbench.json"
    outside = tmp_path / "outside.txt"
    outside.write_text("mine")
    ledger.write_text(ledger.read_text().replace("[", '["assets/../../outside.txt", "page.py", ', 1))
    smaller = run_writer()
    smaller.folder = tmp_path / "smaller" / "default"
    smaller.scene("pairs", "scene 0")
    smaller.case("pairs", "scene 0", "plain", {"psnr": 30.0, "lpips": 0.1})
    page, _ = write(smaller.open(), tmp_path / "reports", "gallery.html")
    assert_sound(page, folder)
    assert all(path.read_text() == "mine" for path in (*foreign, outside))
    pictures = {path.relative_to(folder).as_posix() for path in folder.glob("assets/pictures/*/**/*.*")}
    assert pictures <= set(page.references)
    assert not (folder / "assets" / "pictures" / "stack").exists()


def test_perturbed_rows_are_left_to_their_own_page(run_writer, tmp_path):
    writer = run_writer()
    writer.scene("pairs", "s")
    writer.case("pairs", "s", "plain", {"psnr": 30.0, "lpips": 0.1})
    writer.case("pairs", "s", "plain", {"psnr": 11.0, "lpips": 0.9}, perturbation="noise", severity=3, key="perturbed")
    page, _ = write(writer.open(), tmp_path / "reports")
    assert "30.00" in page.text
    assert not re.search(r"\b11\.00\b", page.text)


def test_page_lists_the_environment_of_every_row(run_writer, tmp_path):
    writer = run_writer()
    writer.meta["environments"]["e2"] = {"python": "3.12.1", "processor": "Slide rule", "gpu": "G", "packages": {}}
    writer.scene("pairs", "s")
    writer.case("pairs", "s", "plain", {"psnr": 30.0, "lpips": 0.1})
    writer.case("pairs", "s", "fancy", {"psnr": 31.0, "lpips": 0.1}, environment="e2")
    page, _ = write(writer.open(), tmp_path / "reports")
    method = page.text.partition("Environment")[2]
    assert "Abacus" in method
    assert "Slide rule" in method


@pytest.mark.parametrize(
    ("focus", "words"),
    [(0.8, "focus at the mark"), (0.1, "focus behind everything"), (0.9, "focus in front of everything")],
)
def test_focus_is_placed_between_far_and_near(run_writer, tmp_path, focus, words):
    writer = run_writer()
    writer.scene("pairs", "s", focus=focus)
    writer.case("pairs", "s", "plain", {"psnr": 30.0, "lpips": 0.1})
    page, _ = write(writer.open(), tmp_path / "reports", "gallery.html")
    assert words in page.text


def test_run_without_any_row_is_a_report_too(run_writer, tmp_path):
    writer = run_writer()
    page, _ = write(writer.open(), tmp_path / "reports")
    assert_sound(page, tmp_path / "reports" / "default")
    assert "No case of this data set has finished" in page.text


def test_two_seeds_of_a_case_are_averaged_and_the_first_is_shown(run_writer, tmp_path):
    writer = run_writer()
    writer.scene("pairs", "s")
    for renderer in ("plain", "fancy"):
        for seed, psnr in ((7, 30.0), (8, 31.0)):
            writer.case("pairs", "s", renderer, {"psnr": psnr, "lpips": 0.1}, seed=seed, key=f"{renderer}/{seed}")
    page, _ = write(writer.open(), tmp_path / "reports")
    assert "30.50" in page.text
    assert "2 seeds" in page.text
    gallery, _ = read(tmp_path / "reports" / "default" / "gallery.html")
    assert gallery.text.count("30.00") == 2
    assert "31.00" not in gallery.text


def test_reference_is_chosen_and_checked(typical_run, tmp_path):
    page, _ = read(write_report(typical_run, tmp_path / "reports", "fancy"))
    assert "Tests against fancy" in page.text
    with pytest.raises(InvalidOptionError, match=r"--reference 'other': expected a renderer of this run: plain, fancy"):
        write_report(typical_run, tmp_path / "reports", "other")


@pytest.mark.parametrize("limit", [None, 1])
def test_published_numbers_stand_only_under_their_own_protocol(run_writer, tmp_path, limit):
    writer = run_writer(datasets={"ebb-exposure-aligned": True, "pairs": True})
    writer.meta["settings"]["limit"] = limit
    for dataset in ("ebb-exposure-aligned", "pairs"):
        writer.scene(dataset, "s")
        for renderer in ("plain", "fancy"):
            writer.case(dataset, "s", renderer, {"psnr": 30.0, "lpips": 0.1})
    page, _ = write(writer.open(), tmp_path / "reports")
    assert page.text.count("Published numbers on this protocol, not measured here") == (limit is None)
    assert limit or page.text.index("24.652") < page.text.index("protocol of pairs")
    assert "36.798" not in page.text


def test_first_page_does_not_grow_with_the_scenes(run_writer, tmp_path):
    sizes = []
    for scenes in (4, 12):
        writer = run_writer()
        writer.folder = tmp_path / "results" / str(scenes)
        for number in range(scenes):
            writer.scene("pairs", f"s{number:02d}")
            for place, renderer in enumerate(("plain", "fancy")):
                writer.case("pairs", f"s{number:02d}", renderer, {"psnr": 30.0 + number * place, "lpips": 0.1})
        sizes.append(write_report(writer.open(), tmp_path / "reports").stat().st_size)
    assert sizes[1] < sizes[0] * 1.02
