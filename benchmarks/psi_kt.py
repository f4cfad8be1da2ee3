"""Time PSI-KT: an epoch of its fit, one update, one forecast of a class, the size of a state.

    OMP_NUM_THREADS=1 python benchmarks/psi_kt.py

Times are CPU seconds of one thread. Beside it: psi_kt_recovery.py holds the model to a known truth,
psi_kt_fits.py fits it on a real log, psi_kt_tables.py compares it with other models.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.datasets.read import read_log
from kt_models.protocol import Observation
from kt_models.psi_kt.config import CONFIGS
from kt_models.psi_kt.filter import FittedPSIKT
from kt_models.psi_kt.model import graph_of
from kt_models.psi_kt.packing import pack
from kt_models.registry import load_tracer
from kt_models.synthetic_psi_kt import simulate_psi_kt

F = NDArray[np.float64]
EXTENDED = "psi_kt_extended"
DATA = Path(os.environ.get("STEPWISE_DATA", "../shared")) / "data"


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--device", default="cpu")
    speed(parser.parse_args().device)


def numbers(text: str) -> list[int]:
    """Read integers set apart by commas."""
    return [int(one) for one in text.split(",")]


def assist2017() -> ResponseArrays:
    """Read the log that most figures are of."""
    return read_log(DATA / "assist2017.csv.gz").data


def speed(device: str) -> None:
    """Time an epoch, one update, one forecast of a class, and the size of a state."""
    from kt_models.psi_kt.fit import Fitting

    rng = np.random.default_rng(0)
    data = simulate_psi_kt(rng, n_learners=100, n_responses=50, n_skills=100, p_stay=0.0).data
    packed = pack(data, unit_steps=False)
    for name in CONFIGS:
        config = replace(CONFIGS[name], device=device)
        fitting = Fitting(packed, config=config, seed=0, warm=None)
        fitting.epoch(0)
        spent = [_cpu(partial(fitting.epoch, epoch)) for epoch in range(1, 6)]
        print(f"epoch of {name}, 100 x 50 x 100: median {statistics.median(spent):.3f} CPU s")
    fitted = load_tracer(EXTENDED, steps=2, epochs=1, max_parents=5).fit(data, seed=0)
    assert isinstance(fitted, FittedPSIKT)
    state = fitted.init_state()
    skills = [str(skill) for skill in fitted.parameters.skills]
    for number, skill in enumerate(skills):
        state = fitted.update(state, Observation((skill,), None, number % 2 > 0, 20_000.0 + number))
    for n_more in (0, 1_000, 5_000):
        for number in range(n_more):
            told = Observation((skills[number % 100],), None, number % 3 > 0, state.last_at)
            state = fitted.update(state, told)
        one = Observation((skills[7],), None, True, state.last_at + 0.1)
        spent = [_cpu(partial(fitted.update, state, one)) for _ in range(200)]
        print(
            f"update after {state.n:,} responses, 100 skills, 5 parents: median "
            f"{1e3 * statistics.median(spent):.3f} CPU ms; state {len(fitted.dump_state(state)):,} "
            "bytes"
        )
    wide = [*skills, *(f"other {number}" for number in range(400))]
    states = [state] * 40
    spent = [
        _cpu(lambda: fitted.forecast_many(states, wide, at=state.last_at + 1)) for _ in range(9)
    ]
    print(
        f"forecast of 40 learners x 500 skills: median {1e3 * statistics.median(spent):.1f} CPU ms"
    )


def graph_fitted(fitted: FittedPSIKT) -> F:
    """Return the fitted graph, parents in rows, as a square of weights."""
    raw = fitted.parameters.raw
    u, direction = (torch.as_tensor(raw[f"{site}.loc"]) for site in ("embedding", "direction"))
    found: F = graph_of(u, direction).double().numpy()
    return found


def _cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    main()
