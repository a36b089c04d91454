"""What a bundle says, changed by somebody who made its digests fit: refused in one line that names the place."""

import json
import re

import pytest

from bokehbench.benchmarks.bundles.content import read_bundle
from bokehbench.benchmarks.bundles.export import write_bundle
from bokehbench.core.errors import InvalidBundleError

from .conftest import contents, pack


def read(path):
    with path.open("rb") as file:
        return read_bundle(file, "x.zip")


def refusal(path):
    with pytest.raises(InvalidBundleError) as error:
        read(path)
    said = str(error.value)
    assert said.startswith("x.zip: ")
    assert "\n" not in said
    return said


def of_row(change, number=0):
    """Return a change of one row's entries, its line's digest left out."""

    def apply(text):
        rows = [json.loads(line) for line in text.splitlines()]
        for row in rows:
            del row["digest"]
        change(rows[number])
        return "".join(json.dumps(row) + "\n" for row in rows)

    return apply


def test_a_bundle_is_read_back(stored, bundle, repack):
    found = read(bundle)
    assert [row["key"] for row in found.rows] == ["one", "two", "failed"]
    assert found.rows[0]["metrics"] == stored.rows[0]["metrics"]
    assert found.pictures == []
    assert read(repack(rows=of_row(lambda row: None))).rows == found.rows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row.update(metrics={"psnr": float("nan")}), "line 1: .*nan"),
        (lambda row: row.update(metrics={"psnr": -5.0}), r"line 1: metrics\.psnr: expected 0 to 100, got -5"),
        (lambda row: row.update(metrics={"theirs": 1e300}), r"line 1: metrics\.theirs: expected -1e\+100 to 1e\+100"),
        (lambda row: row.update(evil=1), "line 1: unknown entry evil"),
        (lambda row: row.pop("seconds"), "line 1: the entry seconds is missing"),
        (lambda row: row.update(seconds="fast"), "line 1: seconds: expected a valid number"),
        (lambda row: row.update(schema=2), "line 1: schema"),
        (lambda row: row.update(key="two"), "line 2: key: none of the cases of run.json, or there twice"),
        (lambda row: row.update(renderer="x"), r"line 1: renderer: expected one of run\.json, got 'x'"),
        (lambda row: row.update(environment="x"), r"line 1: environment: expected one of run\.json"),
        (lambda row: row.update(scene="s9"), r"line 1: scene: scenes\.jsonl has no record of 's9'"),
        (lambda row: row.update(image="images/../../x"), "line 1: image: expected a path below images/"),
        (lambda row: row.update(scene="a\x1b[1m"), "line 1: "),
    ],
)
def test_rows_that_are_none(repack, change, said):
    assert re.search(said, refusal(repack(rows=of_row(change))), re.IGNORECASE)


@pytest.mark.parametrize(
    ("where", "old", "new", "said"),
    [
        ("run", '"schema": 2', '"schema": 3', "run.json: schema: expected 2, got 3"),
        ("run", '"command": "bench"', '"command": "bench", "evil": 1', "run.json: unknown entry evil"),
        ("run", '"summary": "a renderer"', '"summary": "a renderer", "evil": 1', "unknown entry renderers.r.evil"),
        ("run", '"scored": true', '"scored": "yes"', "datasets.d.scored: expected"),
        ("run", '"seconds": null', '"seconds": NaN', "seconds: NaN: expected numbers that are finite"),
        ("run", '"cases": [', '"imported": {}, "cases": [', "run.json: imported"),
        ("scenes", '"cluster": "place 0"', '"cluster": "place 0", "evil": 1', "line 1: unknown entry evil"),
        ("scenes", '"s1"', '"s0"', "scenes.jsonl, line 2: d / s0 is there twice"),
        ("scenes", '"input.png"', '"../../input.png"', "files: expected some of input.png"),
        ("scenes", '"height": 24', '"height": 0', "line 1: height"),
        ("scenes", '"cluster": "place 0"', '"cluster": "place 7"', "line 1: it was changed after it was written"),
    ],
)
def test_records_that_are_none(repack, where, old, new, said):
    def change(text):
        assert old in text
        return text.replace(old, new)

    assert said in refusal(repack(**{where: change}))


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"schema": 2}, "manifest.json: schema: expected 1, got 2: use the version"),
        ({"format": "a thesis"}, "format: expected 'bokehbench run'"),
        ({"run": "../up"}, "run: expected a run's name, got '../up'"),
        ({"by": "a\nb"}, "expected printable names"),
        ({"evil": 1}, "unknown entry evil"),
        ({"members": {"latency.json": "0" * 64}}, "'latency.json': in the manifest, but not in the file"),
        ({"members": {"run.json": "short"}}, ""),
    ],
)
def test_manifests_that_are_none(repack, entries, said):
    if said:
        assert said in refusal(repack(manifest=entries))


def test_members_that_were_changed_or_that_nobody_lists(bundle, tmp_path):
    members = contents(bundle)
    changed = members | {"rows.jsonl": members["rows.jsonl"].replace(b"30.0", b"40.0")}
    assert "rows.jsonl: expected SHA-256" in refusal(pack(tmp_path / "a.zip", list(changed.items())))
    more = members | {"latency.json": b"{}"}
    assert "in the file, but not in the manifest" in refusal(pack(tmp_path / "b.zip", list(more.items())))
    manifest = json.loads(members["manifest.json"])
    del members["manifest.json"]
    assert "expected a member manifest.json" in refusal(pack(tmp_path / "c.zip", list(members.items())))
    del manifest["members"]["rows.jsonl"], members["rows.jsonl"]
    few = {"manifest.json": json.dumps(manifest).encode()} | members
    assert "expected rows.jsonl among them" in refusal(pack(tmp_path / "d.zip", list(few.items())))


def test_text_that_is_cut_off(repack):
    assert "rows.jsonl: expected an end of line" in refusal(repack(rows=lambda text: text[:-1]))
    assert "latency.json: expected measurements by key" in refusal(repack(latency=lambda text: "[]"))


def test_pictures_are_those_that_were_scored(stored, tmp_path):
    stored.rows[0]["image_sha256"], stored.rows[1]["image_sha256"] = (
        stored.rows[1]["image_sha256"], stored.rows[0]["image_sha256"]
    )  # fmt: skip
    with pytest.raises(InvalidBundleError):
        write_bundle(stored, tmp_path / "x.zip", pictures=True)
    for scene in stored.scenes:
        scene["width"] = 7
    stored = type(stored).open(stored.folder)
    stored.scenes[0]["width"] = 7
    with pytest.raises(InvalidBundleError, match=r"expected a PNG of 7x24"):
        write_bundle(stored, tmp_path / "x.zip", pictures=True)
