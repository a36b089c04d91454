from bokehbench.benchmarks.run.cases import Case, expand_cases


def test_expansion_keeps_renderers_together():
    cases = expand_cases([("a", None, "cpu"), ("b", "w1", "cuda")], [("d", "v1", ["x", "y"]), ("e", "", ["z"])], seed=4)
    assert [(c.renderer, c.dataset, c.scene) for c in cases] == [
        (renderer, *pair) for renderer in "ab" for pair in (("d", "x"), ("d", "y"), ("e", "z"))
    ]
    assert {c.seed for c in cases} == {4}
    assert {(c.renderer, c.device) for c in cases} == {("a", "cpu"), ("b", "cuda")}


def test_severity_zero_of_every_perturbation_is_one_case():
    pairs = [("erode", -1), ("erode", 0), ("blur", 0), ("blur", 2.5)]
    cases = expand_cases([("a", None, "cpu")], [("d", "", ["x"])], pairs)
    assert [(c.perturbation, c.severity) for c in cases] == [("erode", -1), ("none", 0), ("blur", 2.5)]


def test_keys_tell_everything_apart():
    base = {"dataset": "d", "scene": "s", "renderer": "r"}
    different = [
        {},
        {"dataset_version": "2"},
        {"weights": "abc"},
        {"perturbation": "erode", "severity": 1},
        {"perturbation": "erode", "severity": -1},
        {"perturbation": "erode", "severity": 0.5},
        {"seed": 1},
        {"device": "cuda"},
        {"dtype": "float16"},
        {"scene": "s/r"},
        {"dataset": "d/s", "scene": ""},
    ]
    assert len({Case(**(base | fields)).key for fields in different}) == len(different)


def test_key_is_stable_printable_and_one_line():
    case = Case(dataset="d", scene="Bäume\n/..", renderer="bokehdiff@/my folder", weights="tiny 1a2b")
    assert case.key == "d/B%C3%A4ume%0A%2F../bokehdiff@%2Fmy%20folder#tiny%201a2b/none/0/0/cpu/float32"


def test_perturbations_do_not_reach_renderers_that_take_no_disparity():
    pairs = [("erode", 0), ("erode", 4), ("blur", 0), ("blur", 2)]
    cases = expand_cases(
        [("blind", None, "cpu"), ("seeing", None, "cpu")], [("d", "", ["s", "t"])], pairs, blind=["blind"]
    )
    found = [(case.renderer, case.scene, case.perturbation, case.severity) for case in cases]
    assert found[:2] == [("blind", "s", "none", 0), ("blind", "t", "none", 0)]
    assert len(found) == 2 + 2 * 3
