"""Run several models on the same trials and compare them row by row."""

import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.evaluate.bootstrap import PairedDifference, paired_difference, score_intervals
from kt_models.evaluate.metrics import F, score
from kt_models.evaluate.protocols import ProtocolConfig, Trial, predict_trial, trials
from kt_models.protocol import Progress, Tracer

BOOTSTRAP_REPLICATES = 200
_SMAPS_RESET_PEAK = "5"

TracerMaker: TypeAlias = Callable[[str], Tracer]
Announce: TypeAlias = Callable[[str], Progress | None]


@dataclass(frozen=True, slots=True)
class Row:
    """One model on one trial. The names and their order are a stable contract.

    auc_low to log_loss_high bound 95 % intervals over resampled learners; peak_mib is the
    process's highest resident memory during fit and predict.
    """

    model: str
    data: str
    protocol: str
    learner_filter: str
    horizon: int
    seed: int
    fold: int
    n_learners: int
    n_predictions: int
    auc: float
    auc_low: float
    auc_high: float
    log_loss: float
    log_loss_low: float
    log_loss_high: float
    accuracy: float
    f1: float
    ece: float
    fit_seconds: float
    predict_seconds: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Difference:
    """`model` minus `against` on the same rows of all folds and seeds together."""

    model: str
    against: str
    horizon: int
    n_predictions: int
    difference: PairedDifference


@dataclass(slots=True)
class Pooled:
    """Predictions of one horizon over folds and seeds; a learner is one learner in all of them."""

    learner: list[NDArray[np.int64]] = field(default_factory=list)
    position: list[NDArray[np.int64]] = field(default_factory=list)
    correct: list[NDArray[np.int8]] = field(default_factory=list)
    p: dict[str, list[F]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows in the order run, paired differences, and what plots are drawn from, by horizon."""

    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    pooled: dict[int, Pooled]


def compare_models(
    models: Sequence[str],
    data: ResponseArrays,
    *,
    test: ResponseArrays | None,
    data_name: str,
    protocol: ProtocolConfig,
    seeds: Sequence[int],
    make_tracer: TracerMaker,
    announce: Announce | None = None,
    on_row: Callable[[Row], None] | None = None,
    max_trials: int | None = None,
) -> Comparison:
    """Fit and score every model on every trial of every seed; models share trials.

    max_trials stops after so many fits of each model and seed, for a part of the folds.

    Raises: KTModelsError of the split or the model.
    """
    rows: list[Row] = []
    pooled: dict[int, Pooled] = {}
    for seed in seeds:
        drawn = trials(protocol, data, test=test, rng=np.random.default_rng(seed))
        for group in _same_fit(drawn, limit=max_trials):
            for model in models:
                found = _run(
                    make_tracer(model),
                    model,
                    group,
                    seed=seed,
                    progress=announce(f"{model}, seed {seed}, fold {group[0].fold}")
                    if announce
                    else None,
                )
                for trial, p, fit_seconds, predict_seconds, peak_mib in found:
                    row = _row(
                        model,
                        trial,
                        p,
                        data_name=data_name,
                        protocol=protocol,
                        seed=seed,
                        costs=(fit_seconds, predict_seconds, peak_mib),
                    )
                    rows.append(row)
                    if on_row is not None:
                        on_row(row)
                    _pool(pooled, model, trial, p, is_first=model == models[0])
    return Comparison(
        rows=tuple(rows),
        differences=tuple(_differences(models, pooled)),
        pooled=pooled,
    )


def row_as_json(row: Row) -> dict[str, Any]:
    """Return the row's fields; a metric that is not defined is None."""
    return {
        key: None if isinstance(value, float) and not isfinite(value) else value
        for key, value in asdict(row).items()
    }


def _same_fit(drawn: Iterator[Trial], *, limit: int | None) -> Iterator[list[Trial]]:
    group: list[Trial] = []
    n_groups = 0
    for trial in drawn:
        if group and trial.train is not group[0].train:
            yield group
            n_groups += 1
            group = []
            if limit is not None and n_groups >= limit:
                return
        group.append(trial)
    if group:
        yield group


def _run(
    tracer: Tracer,
    model: str,
    group: Sequence[Trial],
    *,
    seed: int,
    progress: Progress | None,
) -> Iterator[tuple[Trial, F, float, float, float]]:
    del model
    reset_peak_memory()
    begin = time.perf_counter()
    fitted = tracer.fit(group[0].train, seed=seed, progress=progress)
    fit_seconds = time.perf_counter() - begin
    for trial in group:
        begin = time.perf_counter()
        p = predict_trial(fitted, trial)
        yield trial, p, fit_seconds, time.perf_counter() - begin, peak_memory_mib()


def _row(
    model: str,
    trial: Trial,
    p: F,
    *,
    data_name: str,
    protocol: ProtocolConfig,
    seed: int,
    costs: tuple[float, float, float],
) -> Row:
    correct = trial.test.correct[trial.is_scored]
    learner = trial.test.learner[trial.is_scored]
    scores = score(correct, p)
    # The intervals of all models resample the same learners.
    rng = np.random.default_rng([seed, trial.fold, trial.horizon])
    bounds = score_intervals(learner, correct, p, rng=rng, replicates=BOOTSTRAP_REPLICATES)
    return Row(
        model=model,
        data=data_name,
        protocol=protocol.name,
        learner_filter=protocol.learner_filter,
        horizon=trial.horizon,
        seed=seed,
        fold=trial.fold,
        n_learners=len(np.unique(learner)),
        n_predictions=scores.n,
        auc=scores.auc,
        auc_low=bounds.auc.low,
        auc_high=bounds.auc.high,
        log_loss=scores.log_loss,
        log_loss_low=bounds.log_loss.low,
        log_loss_high=bounds.log_loss.high,
        accuracy=scores.accuracy,
        f1=scores.f1,
        ece=scores.ece,
        fit_seconds=costs[0],
        predict_seconds=costs[1],
        peak_mib=costs[2],
    )


def _pool(
    pooled: dict[int, Pooled],
    model: str,
    trial: Trial,
    p: F,
    *,
    is_first: bool,
) -> None:
    into = pooled.setdefault(trial.horizon, Pooled())
    if is_first:
        test, scored = trial.test, trial.is_scored
        starts = test.learner_slices()
        into.learner.append(test.learner[scored].astype(np.int64))
        into.position.append(np.flatnonzero(scored) - starts[test.learner[scored]])
        into.correct.append(test.correct[scored])
    into.p.setdefault(model, []).append(p)


def _differences(models: Sequence[str], pooled: dict[int, Pooled]) -> Iterator[Difference]:
    """Compare every model with the one of the best AUC."""
    for horizon, parts in pooled.items():
        learner, correct = np.concatenate(parts.learner), np.concatenate(parts.correct)
        p = {model: np.concatenate(parts.p[model]) for model in models}
        aucs = {model: score(correct, values).auc for model, values in p.items()}
        best = max(models, key=lambda model, aucs=aucs: aucs[model])  # type: ignore[misc]
        for model in models:
            if model != best:
                yield Difference(
                    model=model,
                    against=best,
                    horizon=horizon,
                    n_predictions=len(correct),
                    difference=paired_difference(
                        learner,
                        correct,
                        p[model],
                        p[best],
                        rng=np.random.default_rng(0),
                        replicates=BOOTSTRAP_REPLICATES,
                    ),
                )


def reset_peak_memory() -> None:
    """Start a new peak of this process's memory, where the system can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text(_SMAPS_RESET_PEAK, encoding="ascii")


def peak_memory_mib() -> float:
    """Return the highest resident memory since the reset, or since the start of the process."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024.0
    unit = 1024.0**2 if sys.platform == "darwin" else 1024.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
