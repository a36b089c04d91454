"""The record that a command line becomes."""

import dataclasses

import pytest

from bokehbench.benchmarks.options import parse_options
from bokehbench.benchmarks.request import RunRequest, run_folder
from bokehbench.core.errors import InvalidOptionError


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "-x", "a\nb"])
def test_run_names_are_plain_folder_names(tmp_path, name):
    with pytest.raises(InvalidOptionError, match="--run"):
        run_folder(tmp_path, name)


def test_every_field_is_an_option_but_the_command_itself(tmp_path):
    plain = [field.name for field in dataclasses.fields(RunRequest) if not field.metadata]
    assert plain == ["command"]
    asked = parse_options(["--limit", "3", "--data-root", str(tmp_path), "--fresh"], tmp_path)
    assert (asked.limit, asked.data_root, asked.fresh) == (3, tmp_path, True)
    assert asked.command == f"python run_bench.py --limit 3 --data-root {tmp_path} --fresh"


def test_a_request_without_options_is_that_of_an_empty_command_line(tmp_path, monkeypatch):
    monkeypatch.delenv("BOKEHBENCH_DATA", raising=False)
    asked = dataclasses.replace(parse_options([], tmp_path), data_root=None)
    assert asked == RunRequest(output=tmp_path, command="python run_bench.py")
    assert asked.folder == tmp_path / "results" / "default"


def test_run_json_keeps_what_the_numbers_depend_on(tmp_path):
    recorded = RunRequest(output=tmp_path, limit=2).recorded
    assert set(recorded) == {"renderers", "datasets", "metrics", "limit", "device", "dtype", "seed"}
    assert recorded["limit"] == 2


def test_a_sweep_has_renderers_and_data_sets_of_its_own(tmp_path):
    asked = parse_options(["--robustness"], tmp_path)
    swept = ("bokehdiff", "classical", "classical-occlusion", "classical-occlusion+refine")
    assert (asked.renderers, asked.datasets) == (swept, ("synbokeh-mini",))
    assert parse_options(["--robustness", "--renderers", "identity"], tmp_path).renderers == ["identity"]


@pytest.mark.parametrize("text", ["all", "all,psnr", "psnr,all"])
def test_all_metrics_are_each_of_them_once(tmp_path, text):
    metrics = parse_options(["--metrics", text], tmp_path).metrics
    assert len(metrics) == len(set(metrics))
    assert {"psnr", "dists", "lpips-vgg"} <= set(metrics)
    assert "all" not in metrics
