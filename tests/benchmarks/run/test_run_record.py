from bokehbench.benchmarks.run.cases import Case
from bokehbench.benchmarks.run.run_record import continue_record, merge_records


def cases(scenes, severities=(0,)):
    return [
        Case(dataset="d", scene=f"s{n}", renderer="r", perturbation="erode" if severity else "none", severity=severity)
        for n in range(scenes)
        for severity in severities
    ]


def record(command, made):
    return {"command": command, "plan": [case.key for case in made]}


def merge(earlier, command, made):
    return merge_records(earlier, record(command, made), made)


def test_sweep_stands_for_a_benchmark_where_there_is_none():
    first = merge({}, "sweep 2", cases(2, (0, 4)))
    assert first["plan"] == [case.key for case in cases(2)]
    assert len(first["sweep"]["plan"]) == 4
    larger = merge(first, "sweep 3", cases(3, (0, 4)))
    assert larger["plan"] == [case.key for case in cases(3)]
    assert larger["command"] == "sweep 3"


def test_sweep_leaves_a_benchmark_alone_and_the_other_way_round():
    swept = merge(merge({}, "bench", cases(3)), "sweep", cases(2, (0, 4)))
    assert (swept["command"], len(swept["plan"]), len(swept["sweep"]["plan"])) == ("bench", 3, 4)
    again = merge(swept, "bench again", cases(1))
    assert (again["command"], len(again["plan"]), again["sweep"]["command"]) == ("bench again", 1, "sweep")


def test_a_plan_that_goes_on_keeps_its_start():
    first = record("bench", cases(3)) | {"started": "monday"}
    again = continue_record(first, record("bench", cases(3)) | {"started": "tuesday"})
    assert (again["started"], again["starts"]) == ("monday", 2)
    assert continue_record(again, first)["starts"] == 3
    other = continue_record(first, record("bench", cases(2)) | {"started": "tuesday"})
    assert other["started"] == "tuesday"
    assert continue_record(first, record("sweep", cases(3)) | {"started": "tuesday"})["started"] == "tuesday"
    sweep = record("sweep", cases(2, (0, 4))) | {"started": "tuesday"}
    assert continue_record({"sweep": sweep}, sweep | {"started": "friday"})["started"] == "tuesday"
