"""Of the heatmap cells that show 70 to 80 %, how many are answered right next? On a real log.

    OMP_NUM_THREADS=1 STEPWISE_DATA=../shared python benchmarks/teacher_calibration.py
        [--models bkt,bkt_forgets,psi_kt_extended] [--train 300] [--test 300] [--steps 100]
        [--seed 0] [--json FILE]

The log is assist2017. Each model is fitted on the answers of some learners ("bkt" is the cold
start: defaults, no fit) and serves others, answer by answer as online. Of each of these the
heatmap's row is read at five moments (after 30, 45, 60, 75 and 90 % of the learner's answers); a
cell counts when it shows enough evidence and the learner meets the skill again within seven days.
Two numbers of a cell are held to that next answer: the one that is shown (the chance of mastery)
and the one on hover (the chance that the next answer is right), by tens of per cent; and the
latter as it would have stood at the moment of that answer. Intervals are
95 %, by bootstrap over learners. Times are CPU seconds of one thread.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from kt_models.arrays import ResponseArrays  # noqa: E402
from kt_models.bkt.filter import FittedBKT  # noqa: E402
from kt_models.datasets.read import read_log  # noqa: E402
from kt_models.protocol import AnyFittedTracer, Observation  # noqa: E402
from kt_models.psi_kt.config import CONFIGS  # noqa: E402
from kt_models.psi_kt.tracer import PSIKTTracer  # noqa: E402
from kt_models.registry import load_tracer  # noqa: E402

DATA = Path(os.environ.get("STEPWISE_DATA", "../shared")) / "data"
MOMENTS = (0.3, 0.45, 0.6, 0.75, 0.9)
EVIDENCE_MIN, WITHIN_DAYS = 3, 7.0
BANDS = tuple((low / 10, (low + 1) / 10) for low in range(10))
LEAST_LENGTH, DRAWS = 30, 1000

F = NDArray[np.float64]
Cell = tuple[float, float, float, float, float]


def main() -> None:
    """Fit, read cells, hold them to what came next, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--models", default="bkt,bkt_forgets,psi_kt_extended")
    parser.add_argument("--train", type=int, default=300)
    parser.add_argument("--test", type=int, default=300)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    data = read_log(DATA / "assist2017.csv.gz").data
    lengths = np.diff(data.learner_slices())
    rng = np.random.default_rng(options.seed)
    codes = rng.permutation(np.flatnonzero(lengths >= LEAST_LENGTH))
    train = np.sort(codes[: options.train])
    test = np.sort(codes[options.train : options.train + options.test])
    fitted_on, served = data.take_learners(train), data.take_learners(test)
    print(f"assist2017: fit on {len(fitted_on.learner)} answers of {len(train)} learners; "
          f"serve {len(served.learner)} answers of {len(test)}")  # fmt: skip
    found = {}
    for name in options.models.split(","):
        began = time.process_time()
        model = _fitted(name, fitted_on, options)
        fit_s = time.process_time() - began
        began = time.process_time()
        cells = _cells(model, served)
        serve_s = time.process_time() - began
        found[name] = _report(cells, rng=np.random.default_rng(options.seed))
        print(f"{name}: fit {fit_s:.0f} s, serve {serve_s:.0f} s, {len(cells)} cells")
        for row in found[name]:
            print("  " + "  ".join(f"{key} {value}" for key, value in row.items()))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


def _fitted(name: str, data: ResponseArrays, options: argparse.Namespace) -> AnyFittedTracer:
    if name == "bkt":
        return FittedBKT.with_defaults()
    if name.startswith("psi_kt"):
        config = replace(CONFIGS[name], steps=options.steps)
        return PSIKTTracer(name, config=config).fit(data, seed=options.seed)
    return load_tracer(name).fit(data, seed=options.seed)


def _cells(model: AnyFittedTracer, data: ResponseArrays) -> F:
    """Return a row a cell: learner, mastery shown, chance on hover, and the next answer."""
    starts = data.learner_slices()
    rows: list[Cell] = []
    for learner, (begin, end) in enumerate(
        zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    ):
        if end == begin:
            continue
        looks = {begin + int(share * (end - begin)) for share in MOMENTS}
        state = model.init_state()
        seen: dict[str, int] = {}
        for row in range(begin, end):
            if row in looks:
                rows += _look(model, state, seen, data, learner, row, end)
            skills = data.skills_of(row)
            observation = Observation(
                skills=skills,
                item=data.items[data.item[row]] if data.item[row] >= 0 else None,
                is_correct=bool(data.correct[row]),
                at=float(data.time[row]),
            )
            state = model.update(state, observation)
            for skill in skills:
                seen[skill] = seen.get(skill, 0) + 1
    return np.array(rows).reshape(-1, 5)


def _look(
    model: AnyFittedTracer,
    state: Any,
    seen: dict[str, int],
    data: ResponseArrays,
    learner: int,
    row: int,
    end: int,
) -> list[Cell]:
    known = [skill for skill, n in seen.items() if n >= EVIDENCE_MIN]
    if not known:
        return []
    # As of the last answer: the page is opened after it, before the next.
    now = float(data.time[row - 1])
    beliefs = model.forecast(state, known, at=now)
    coming: dict[str, tuple[float, float]] = {}
    for later in range(row, end):
        if data.time[later] - now > WITHIN_DAYS:
            break
        for skill in data.skills_of(later):
            coming.setdefault(skill, (float(data.correct[later]), float(data.time[later])))
    return [
        (
            learner,
            float(beliefs.p_mastery[at]),
            float(beliefs.p_correct[at]),
            coming[skill][0],
            float(model.forecast(state, [skill], at=coming[skill][1]).p_correct[0]),
        )
        for at, skill in enumerate(known)
        if skill in coming
    ]


def _report(cells: F, *, rng: np.random.Generator) -> list[dict[str, Any]]:
    rows = []
    for column, what in ((1, "shown (mastery)"), (2, "on hover (next right)"), (4, "then")):
        for low, high in BANDS:
            inside = (cells[:, column] >= low) & (
                (cells[:, column] < high) | ((high == 1.0) & (cells[:, column] <= 1.0))
            )
            part = cells[inside]
            if len(part) < 30:
                continue
            ends = _interval(part, rng)
            rows.append(
                {
                    "number": what,
                    "band": f"{low:.0%}-{high:.0%}",
                    "cells": len(part),
                    "mean": round(float(part[:, column].mean()), 3),
                    "next_right": round(float(part[:, 3].mean()), 3),
                    "low": ends[0],
                    "high": ends[1],
                }
            )
    return rows


def _interval(part: F, rng: np.random.Generator) -> tuple[float, float]:
    """Return the 95 % interval of the share right, by bootstrap over learners."""
    learners, at = np.unique(part[:, 0], return_inverse=True)
    n = np.bincount(at).astype(np.float64)
    right = np.bincount(at, weights=part[:, 3])
    pick = rng.integers(0, len(learners), (DRAWS, len(learners)))
    shares = right[pick].sum(axis=1) / n[pick].sum(axis=1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return round(float(low), 3), round(float(high), 3)


if __name__ == "__main__":
    main()
