"""Tables of PSI-KT against its rivals on cohorts of ASSISTments 2017, step by step and resumable.

    OMP_NUM_THREADS=1 STEPWISE_DATA=../shared python benchmarks/psi_kt_tables.py run
    OMP_NUM_THREADS=1 STEPWISE_DATA=../shared python benchmarks/psi_kt_tables.py show

`run` fits every model on every cohort and seed and keeps the predictions, a file each, under --to;
what is there already is not done again. `show` prints the tables: means over seeds, with 95 %
intervals and paired differences over resampled learners, the same learners for every model and in
every seed.
"""

import argparse
import json
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.datasets.read import read_log
from kt_models.evaluate.metrics import score
from kt_models.evaluate.protocols import ProtocolConfig, Trial, predict_trial, trials
from kt_models.registry import load_tracer

F = NDArray[np.float64]
DATA = Path(os.environ.get("STEPWISE_DATA", "../shared")) / "data"
MODELS = (
    *("majority", "learner_mean", "das3h", "das3h_items", "bkt_forgets", "bkt_plus", "dkt"),
    *("psi_kt", "psi_kt_extended"),
)
AGAINST = "psi_kt_extended"
REPLICATES = 200
# What is scored, and with which answers known.
TABLES = {
    "onestep": "one step ahead, steps 11-50",
    "multistep": "open loop, steps 11-20",
    "between 0": "unseen learners, their first ten answers",
    "between 10": "unseen learners, answers 11-50",
}


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One model's predictions on one table, cohort and seed."""

    learner: NDArray[np.str_]
    correct: NDArray[np.int8]
    p: F


def main() -> None:
    """Run the part that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parts: dict[str, Callable[[argparse.Namespace], None]] = {"run": run, "show": show}
    parser.add_argument("part", choices=tuple(parts))
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--cohorts", default="100,300,1000")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--tables", default="within,between")
    parser.add_argument("--data", default="assist2017.csv.gz")
    parser.add_argument("--against", default=AGAINST)
    parser.add_argument("--to", type=Path, default=Path("var/psi_kt_tables"))
    arguments = parser.parse_args()
    parts[arguments.part](arguments)


def run(arguments: argparse.Namespace) -> None:
    """Fit and predict what is not there yet, small cohorts first."""
    import torch

    torch.set_num_threads(1)
    data = read_log(DATA / arguments.data).data
    arguments.to.mkdir(parents=True, exist_ok=True)
    for cohort in _numbers(arguments.cohorts):
        for seed in _numbers(arguments.seeds):
            for kind in arguments.tables.split(","):
                _run_cohort(arguments, data, kind=kind, cohort=cohort, seed=seed)


def _run_cohort(
    arguments: argparse.Namespace, data: ResponseArrays, *, kind: str, cohort: int, seed: int
) -> None:
    missing = [
        model
        for model in arguments.models.split(",")
        if not _path(arguments.to, model, kind, cohort, seed).exists()
    ]
    if not missing:
        return
    drawn = dict(_trials(data, kind=kind, cohort=cohort, seed=seed))
    first = next(iter(drawn.values()))
    for model in missing:
        begin = time.process_time()
        fitted = load_tracer(model).fit(first.train, seed=seed)
        spent = time.process_time() - begin
        found: dict[str, NDArray[Any]] = {}
        for table, trial in drawn.items():
            test, rows = trial.test, trial.is_scored
            found[f"{table}|p"] = predict_trial(fitted, trial)
            found[f"{table}|correct"] = test.correct[rows]
            found[f"{table}|learner"] = test.learners[test.learner[rows]]
        whole = time.process_time() - begin
        costs = {"fit_cpu_s": spent, "cpu_s": whole, "peak_mib": _peak_mib()}
        path = _path(arguments.to, model, kind, cohort, seed)
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, costs=json.dumps(costs), **found)  # type: ignore[arg-type]
        part.rename(path)
        shown = "  ".join(
            f"{table} {one.auc:.4f} / {one.log_loss:.4f}"
            for table in drawn
            for one in [score(found[f"{table}|correct"], found[f"{table}|p"])]
        )
        print(f"{cohort} seed {seed} {model}: {shown}  {spent:.1f} + {whole - spent:.1f} CPU s",
              flush=True)  # fmt: skip


def _trials(
    data: ResponseArrays, *, kind: str, cohort: int, seed: int
) -> Iterator[tuple[str, Trial]]:
    """Yield tables with their trials; both of within fit on the same ten answers."""
    names = ("onestep", "multistep") if kind == "within" else ("between",)
    for name in names:
        config = ProtocolConfig(name=name, cohort=cohort)  # type: ignore[arg-type]
        for trial in trials(config, data, test=None, rng=np.random.default_rng(seed)):
            yield (f"{name} {trial.horizon}" if name == "between" else name), trial


def show(arguments: argparse.Namespace) -> None:
    """Print a table for each protocol and cohort from what is there."""
    models, seeds = arguments.models.split(","), _numbers(arguments.seeds)
    for table, title in TABLES.items():
        kind = "between" if table.startswith("between") else "within"
        if kind not in arguments.tables.split(","):
            continue
        for cohort in _numbers(arguments.cohorts):
            found = {
                model: read
                for model in models
                if (read := _read(arguments.to, model, kind, table, cohort, seeds)) is not None
            }
            if found:
                print(f"\n### {title}; fitted on {cohort} learners, seeds {arguments.seeds}\n")
                _show_table(found, against=arguments.against)


def _show_table(found: dict[str, list[Scored]], *, against: str) -> None:
    replicated = {model: _replicates(parts) for model, parts in found.items()}
    print("| model | AUC | log loss | accuracy | F1 | ECE | AUC difference | log loss difference |")
    print("|---|---|---|---|---|---|---|---|")
    for model, (value, drawn) in replicated.items():
        cells = [
            f"{value[at]:.{digits}f} ({_range(drawn[:, at], digits=digits)})"
            for at, digits in enumerate((4, 4, 3, 3))
        ]
        # Resampled predictions fill bins unevenly: an ECE of them is higher than that of the rows.
        cells.append(f"{np.mean([score(one.correct, one.p).ece for one in found[model]]):.3f}")
        if model != against and against in replicated:
            base, base_drawn = replicated[against]
            for at in range(2):
                gap = drawn[:, at] - base_drawn[:, at]
                cells.append(
                    f"{value[at] - base[at]:+.4f} ({_range(gap)}; p {_two_sided(gap):.2f})"
                )
        else:
            cells += ["", ""]
        print(f"| {model} | {' | '.join(cells)} |", flush=True)


class _Weighed:
    """One model on one seed, scored under any weights of the learners (names' codes)."""

    def __init__(self, one: Scored, names: NDArray[np.str_]) -> None:
        order = np.argsort(one.p, kind="stable")
        right, p = one.correct[order] == 1, one.p[order]
        self._learner, self._right = np.searchsorted(names, one.learner)[order], right
        self._starts = np.flatnonzero(np.diff(p, prepend=-1.0))
        said = p >= 0.5
        columns = [
            -np.log(np.clip(np.where(right, p, 1.0 - p), 1e-12, 1.0)),
            np.ones(len(p)),
            said == right,
            said & right,
            said.astype(np.int64) + right,
        ]
        self._sums = np.stack(
            [np.bincount(self._learner, weights=one, minlength=len(names)) for one in columns]
        )

    def metrics(self, weights: F) -> F:
        """Return AUC, log loss, accuracy and F1."""
        weight = weights[self._learner]
        right = np.add.reduceat(np.where(self._right, weight, 0.0), self._starts)
        wrong = np.add.reduceat(weight, self._starts) - right
        below = np.cumsum(wrong) - 0.5 * wrong
        loss, n, hits, both, either = self._sums @ weights
        return np.array(
            [right @ below / (right.sum() * wrong.sum()), loss / n, hits / n, 2.0 * both / either]
        )


def _replicates(parts: Sequence[Scored]) -> tuple[F, F]:
    """Return AUC, log loss, accuracy and F1, means over seeds, and (B, 4) of resampled learners."""
    names = np.unique(np.concatenate([one.learner for one in parts]))
    each = [_Weighed(one, names) for one in parts]
    rng = np.random.default_rng(0)
    weights = [
        np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names)).astype(
            np.float64
        )
        for _ in range(REPLICATES)
    ]
    value = np.mean([one.metrics(np.ones(len(names))) for one in each], axis=0)
    drawn = np.array([np.mean([one.metrics(w) for one in each], axis=0) for w in weights])
    return np.asarray(value), drawn


def _range(values: F, *, digits: int = 4) -> str:
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{low:.{digits}f} to {high:.{digits}f}"


def _two_sided(gap: F) -> float:
    below = (np.count_nonzero(gap <= 0.0) + 1) / (gap.size + 1)
    above = (np.count_nonzero(gap >= 0.0) + 1) / (gap.size + 1)
    return float(min(1.0, 2.0 * min(below, above)))


def _read(
    to: Path, model: str, kind: str, table: str, cohort: int, seeds: Sequence[int]
) -> list[Scored] | None:
    paths = [_path(to, model, kind, cohort, seed) for seed in seeds]
    if not all(path.exists() for path in paths):
        return None
    found = []
    for path in paths:
        with np.load(path) as kept:
            found.append(Scored(*(kept[f"{table}|{name}"] for name in ("learner", "correct", "p"))))
    return found


def _path(to: Path, model: str, kind: str, cohort: int, seed: int) -> Path:
    return to / f"{kind}-{cohort}-{seed}-{model}.npz"


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
