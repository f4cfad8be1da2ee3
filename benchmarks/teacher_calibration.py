"""Of the heatmap cells that show 70 to 80 %, how many are answered right next? On a real log.

    OMP_NUM_THREADS=1 STEPWISE_DATA=../shared python benchmarks/teacher_calibration.py
        [--models bkt,bkt_forgets,psi_kt_extended] [--weeks 33,78,85] [--learners]
        [--train 300] [--test 300] [--seed 0] [--json FILE]

The log is assist2017. For each week (counted from the log's first day) every model is fitted on
all answers before it ("bkt" is the cold start: defaults, no fit), as a fit on that morning would
be, and serves the same learners on through the week, answer by answer. Of each school day's
morning the heatmap is read; a cell counts when it shows enough evidence and the learner meets the
skill on that day: it is held to the first answer, so that no answer is counted twice. Weeks 19 and
70 served to choose how forecasts are held to returns; report others.

--learners is the other way to hold out: models are fitted on some learners and serve others, of
whom each is looked at five times, and the next answer may follow within the same sitting.

The number that a cell shows (the chance that the next answer is right) and the chance of mastery
are held to that answer, by tens of per cent, and the former as of the moment of the answer.
Intervals are 95 %, by bootstrap over learners. Times are CPU seconds of one thread.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.calibration_cells import F, cells_of_learners, cells_of_week, report  # noqa: E402
from kt_models.arrays import ResponseArrays  # noqa: E402
from kt_models.bkt.filter import FittedBKT  # noqa: E402
from kt_models.datasets.read import read_log  # noqa: E402
from kt_models.protocol import AnyFittedTracer  # noqa: E402
from kt_models.registry import load_tracer  # noqa: E402

DATA = Path(os.environ.get("STEPWISE_DATA", "../shared")) / "data"
LEAST_LENGTH = 30
WEEK_DAYS = 7


def main() -> None:
    """Fit, read cells, hold them to what came next, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--models", default="bkt,bkt_forgets,psi_kt_extended")
    parser.add_argument("--weeks", default="33,78,85")
    parser.add_argument("--learners", action="store_true")
    parser.add_argument("--train", type=int, default=300)
    parser.add_argument("--test", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    data = read_log(DATA / "assist2017.csv.gz").data
    found = {}
    for name in options.models.split(","):
        if options.learners:
            parts = [_by_learners(name, data, options)]
        else:
            parts = [_by_week(name, data, int(week), options) for week in options.weeks.split(",")]
        # A learner of two weeks is one learner.
        cells = np.concatenate(parts)
        found[name] = report(cells, rng=np.random.default_rng(options.seed))
        print(f"{name}: {len(cells)} cells")
        for row in found[name]:
            print("  " + "  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


def _by_learners(name: str, data: ResponseArrays, options: argparse.Namespace) -> F:
    lengths = np.diff(data.learner_slices())
    rng = np.random.default_rng(options.seed)
    codes = rng.permutation(np.flatnonzero(lengths >= LEAST_LENGTH))
    train = np.sort(codes[: options.train])
    test = np.sort(codes[options.train : options.train + options.test])
    return _timed(
        f"{name}, other learners",
        data.take_learners(train),
        lambda model: cells_of_learners(model, data.take_learners(test)),
        name=name,
        seed=options.seed,
    )


def _by_week(name: str, data: ResponseArrays, week: int, options: argparse.Namespace) -> F:
    begin = float(np.floor(data.time.min())) + WEEK_DAYS * week
    is_in = (data.time >= begin) & (data.time < begin + WEEK_DAYS)
    codes = np.unique(data.learner[is_in])
    return _timed(
        f"{name}, week {week}",
        data.take(np.flatnonzero(data.time < begin)),
        lambda model: cells_of_week(model, data.take_learners(codes), begin=begin, days=WEEK_DAYS),
        name=name,
        seed=options.seed,
    )


def _timed(
    what: str,
    fitted_on: ResponseArrays,
    serve: Callable[[AnyFittedTracer], F],
    *,
    name: str,
    seed: int,
) -> F:
    began = time.process_time()
    model: AnyFittedTracer = (
        FittedBKT.with_defaults() if name == "bkt" else load_tracer(name).fit(fitted_on, seed=seed)
    )
    fit_s, began = time.process_time() - began, time.process_time()
    cells = serve(model)
    print(
        f"{what}: fit on {fitted_on.n_responses} answers in {fit_s:.0f} s, "
        f"{len(cells)} cells in {time.process_time() - began:.0f} s",
        flush=True,
    )
    return cells


if __name__ == "__main__":
    main()
