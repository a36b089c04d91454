"""``python -m tests.fuzz --count 2000``: damage every format at random, and see whether a command is fooled by it.

``--kills N`` kills a run N times instead. Exit code 1: something ended as it must not; the numbers to make it again are
listed.
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before PyTorch: a forked child must find no threads

from tqdm import tqdm

from . import child
from .campaign import Base, Outcome, keep
from .data_specimens import DATA_SPECIMENS
from .kills import kill_and_resume
from .specimens import SPECIMENS, Specimen
from .verdicts import ALL, BAD


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=2000, metavar="N", help="mutations; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--kind", default="", metavar="WORD", help="only specimens with this in their name")
    parser.add_argument("--only", type=int, metavar="N", help="only mutation number N, with everything that was said")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the folders of what ended badly")
    parser.add_argument("--kills", type=int, metavar="N", help="instead: kill a run N times and go on with it")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        if options.kills:
            return kill_and_resume(options.kills, options.seed, Path(home))
        outcomes = run_campaign(options, Path(home))
    bad = [outcome for outcome in outcomes if outcome.verdict in BAD]
    print(table(outcomes))
    for outcome in bad:
        again = f"--seed {options.seed} --kind '{outcome.kind}' --only {outcome.number}"
        print(f"{outcome.verdict}: {outcome.mutation} in {outcome.file}: {outcome.said[-300:]}\n    {again}")
    return 1 if bad else 0


def run_campaign(options: argparse.Namespace, home: Path) -> list[Outcome]:
    """Share the mutations among the specimens, one after the other."""
    chosen = [specimen for specimen in SPECIMENS + DATA_SPECIMENS if options.kind in specimen.name]
    child.warm_up(any(specimen.networks for specimen in chosen))
    numbers = [options.only] if options.only is not None else range(options.count)
    outcomes = []
    with tqdm(total=len(numbers), unit="mutation") as progress:
        for place, specimen in enumerate(chosen):
            progress.set_description(specimen.name)
            mine = [n for n in numbers if options.only is not None or n % len(chosen) == place]
            for outcome in _run_specimen(specimen, home / str(place), mine, options):
                outcomes.append(outcome)
                progress.update()
    return outcomes


def _run_specimen(specimen: Specimen, home: Path, numbers: Sequence[int], options: argparse.Namespace):
    base = Base(specimen, home)
    if not base.works:
        print(f"{specimen.name}: passed over, it does not work undamaged: {base.ends[-1].said[-300:]}", file=sys.stderr)
        return
    for number in numbers:
        outcome = base.mutate(options.seed, number)
        if options.keep and outcome.verdict in BAD:
            keep(outcome, base, options.keep)
        if options.only is not None:
            print(outcome)
            print((base.home / "log").read_text(errors="replace"))
        yield outcome


def table(outcomes: Sequence[Outcome]) -> str:
    """Return how often each specimen, and each mutation, came to each verdict."""
    rows: dict[str, Counter[str]] = {}
    for part in ("kind", "mutation"):
        for outcome in sorted(outcomes, key=lambda outcome: getattr(outcome, part)):
            rows.setdefault(getattr(outcome, part)[:44], Counter())[outcome.verdict] += 1
    rows["all"] = Counter(outcome.verdict for outcome in outcomes)
    head = f"{'':<44}" + "".join(f"{name:>12}" for name in ALL)
    body = [f"{row:<44}" + "".join(f"{n[name] or '-':>12}" for name in ALL) for row, n in rows.items()]
    return "\n".join([head, *body])


if __name__ == "__main__":
    sys.exit(main())
