"""Time of metrics, intervals and reading at a million responses, on one core.

Run: OMP_NUM_THREADS=1 python benchmarks/evaluation.py
"""

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kt_models.cli.main import main
from kt_models.datasets.read import read_log
from kt_models.evaluate.bootstrap import score_intervals
from kt_models.evaluate.metrics import score

N = 1_000_000
LEARNERS = 20_000


def timed(name: str, work: Callable[[], object]) -> None:
    """Run once and print the wall time."""
    begin = time.perf_counter()
    work()
    print(f"{name}: {time.perf_counter() - begin:.2f} s")


def run() -> None:
    """Measure and print."""
    rng = np.random.default_rng(0)
    p = np.clip(rng.normal(0.65, 0.15, N), 0.0, 1.0)
    correct = (rng.random(N) < p).astype(np.int8)
    learner = np.sort(rng.integers(0, LEARNERS, N))
    timed(f"all metrics of {N:,} predictions", lambda: score(correct, p))
    timed(
        f"intervals over {LEARNERS:,} learners, 200 replicates",
        lambda: score_intervals(learner, correct, p, rng=rng),
    )
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "log.csv"
        sizes = ["--learners", str(LEARNERS), "--responses", str(N // LEARNERS)]
        main(["simulate", *sizes, "--skills", "100", "--out", str(path)])
        timed(f"reading {N:,} rows", lambda: read_log(path))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process: {peak:.0f} MiB")


if __name__ == "__main__":
    run()
