from bokehbench.benchmarks.run.cases import Case, MadeOf, PlannedDataset, PlannedRenderer, expand_cases


def test_expansion_keeps_renderers_together():
    cases = expand_cases(
        [PlannedRenderer(name="a", code="c"), PlannedRenderer(name="b", weights="w", device="cuda")],
        [PlannedDataset(name="d", scenes={"x": "1", "y": "2"}, code="e"), PlannedDataset(name="e", scenes={"z": "3"})],
        [("erode", 0), ("erode", 2)],
        {"erode": "f"},
        seed=4,
    )
    assert {case.made_of for case in cases if case.renderer == "a" and case.scene == "y"} == {
        MadeOf(data="2", dataset_code="e", renderer_code="c"),
        MadeOf(data="2", dataset_code="e", renderer_code="c", perturbation_code="f"),
    }
    cases = [case for case in cases if not case.severity]
    assert [(c.renderer, c.dataset, c.scene) for c in cases] == [
        (renderer, *pair) for renderer in "ab" for pair in (("d", "x"), ("d", "y"), ("e", "z"))
    ]
    assert {c.seed for c in cases} == {4}
    assert {(c.renderer, c.device) for c in cases} == {("a", "cpu"), ("b", "cuda")}


def test_severity_zero_of_every_perturbation_is_one_case():
    pairs = [("erode", -1), ("erode", 0), ("blur", 0), ("blur", 2.5)]
    cases = expand_cases([PlannedRenderer(name="a")], [PlannedDataset(name="d", scenes={"x": ""})], pairs)
    assert [(c.perturbation, c.severity) for c in cases] == [("erode", -1), ("none", 0), ("blur", 2.5)]


def test_keys_tell_everything_apart():
    base = {"dataset": "d", "scene": "s", "renderer": "r"}
    different = [
        {},
        *({"made_of": MadeOf(**{part: "abc"})} for part in MadeOf.__dataclass_fields__),
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
    case = Case(dataset="d", scene="Bäume\n/..", renderer="bokehdiff@/my folder")
    assert case.key == "d/B%C3%A4ume%0A%2F../bokehdiff@%2Fmy%20folder/none/0/0/cpu/float32"
    made_of = MadeOf(data="1a", weights="tiny 2b", dataset_code="3c", renderer_code="4d")
    case = Case(dataset="d", scene="s", renderer="r", made_of=made_of)
    assert case.key == "d#1a#3c/s/r#tiny%202b#4d/none/0/0/cpu/float32"


def test_perturbations_do_not_reach_renderers_that_take_no_disparity():
    pairs = [("erode", 0), ("erode", 4), ("blur", 0), ("blur", 2)]
    renderers = [PlannedRenderer(name="blind", blind_to={"erode", "blur"}), PlannedRenderer(name="seeing")]
    cases = expand_cases(renderers, [PlannedDataset(name="d", scenes={"s": "", "t": ""})], pairs)
    found = [(case.renderer, case.scene, case.perturbation, case.severity) for case in cases]
    assert found[:2] == [("blind", "s", "none", 0), ("blind", "t", "none", 0)]
    assert len(found) == 2 + 2 * 3
