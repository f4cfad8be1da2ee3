"""The second door to kt_models: fitting and back-testing, imported lazily where it is heavy.

A web worker may import this module; torch is loaded only inside a fit.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.artifacts import MANIFEST, code_version, sha256_of
from kt_models.bkt.filter import FittedBKT
from kt_models.errors import KTModelsError
from kt_models.protocol import AnyFittedTracer
from kt_models.registry import MODELS, can_start_from_fit, load_tracer, settings_of
from tutor.common.clock import DAY_SECONDS
from tutor.responses.exports import ObservationRow

if TYPE_CHECKING:
    from kt_models.evaluate.bootstrap import Interval

__all__ = ["AnyFittedTracer", "KTModelsError", "can_start_from_fit", "code_version"]

# Every fit holds back the same learners, so that no version is ever tested on what it has seen.
HELD_OUT_OF = 10
LATER_SHARE = 0.1
BASELINES = ("learner_mean", "majority")
BOOTSTRAP_SEED = 0
CHANCE_DRAWS = 60

Progress = Callable[[float, str], None]


def model_names() -> tuple[str, ...]:
    """Return the names of the models that can be fitted."""
    return tuple(MODELS)


def is_held_out(learner_uuid: object) -> bool:
    """Return whether a learner's responses are kept for testing; stable for ever."""
    digest = hashlib.sha256(str(learner_uuid).encode()).digest()
    return int.from_bytes(digest[:8], "big") % HELD_OUT_OF == 0


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """A course's observations as arrays, with the rows to fit on and to test on (n,) bool.

    Learners are named by their row in the database, skills too, items by the steps' keys.
    `last_response_id` is the newest row of the log among them.
    """

    data: ResponseArrays
    is_train: NDArray[np.bool_]
    is_test: NDArray[np.bool_]
    later_from: datetime
    last_response_id: int


def export_build(rows: Sequence[ObservationRow] | Any, *, held_out: Collection[int]) -> Export:
    """Turn exported rows (by learner, then time) into arrays split for a fit and its test.

    Test rows are all responses of the held-out learners and the others' last ones by time.

    Raises:
        KTModelsError: when there is nothing to fit on.
    """
    learner: list[str] = []
    item: list[str] = []
    skills: list[str] = []
    indptr = [0]
    correct: list[int] = []
    time: list[float] = []
    is_held: list[bool] = []
    last_response_id = 0
    for row in rows:
        last_response_id = max(last_response_id, row.response_id)
        learner.append(str(row.learner_id))
        item.append(row.item)
        skills.extend(map(str, row.skill_ids))
        indptr.append(len(skills))
        correct.append(int(row.is_correct))
        time.append(row.at_days)
        is_held.append(row.learner_id in held_out)
    if not learner:
        raise KTModelsError("the course has no observations to fit on")
    data = ResponseArrays.from_columns(
        np.array(learner),
        np.array(item),
        (np.array(indptr, dtype=np.int64), np.array(skills)),
        np.array(correct, dtype=np.int8),
        np.array(time),
        time_unit="days",
    )
    later_from = float(np.quantile(data.time, 1 - LATER_SHARE))
    is_test = np.array(is_held) | (data.time > later_from)
    return Export(
        data=data,
        is_train=~is_test,
        is_test=is_test,
        later_from=datetime.fromtimestamp(later_from * DAY_SECONDS, tz=UTC),
        last_response_id=last_response_id,
    )


def model_fit(
    model_name: str,
    config: Mapping[str, Any],
    export: Export,
    *,
    seed: int,
    progress: Progress,
    checkpoint: Path | None,
    prerequisites: Sequence[tuple[int, int]] = (),
    start: AnyFittedTracer | None = None,
) -> AnyFittedTracer:
    """Fit a model on the export's training rows, going on from a checkpoint where there is one.

    Unless `config` says otherwise, a model that can be told a device gets KT_DEVICE, and one that
    takes a known graph as a prior gets the `prerequisites` (parent, child) of whose both skills
    there are answers. `start` is an earlier fit of the same model, to begin with.

    Raises:
        KTModelsError: for data that cannot be fitted, a wrong configuration or a NaN.
    """
    train = export.data.take(export.is_train)
    told: dict[str, Any] = {}
    takes = settings_of(model_name)
    if "device" in takes:
        told["device"] = settings.KT_DEVICE
    if "authored" in takes:
        told["authored"] = _authored(train, prerequisites)
    tracer = load_tracer(model_name, start=start, **(told | dict(config)))
    return tracer.fit(train, seed=seed, progress=progress, checkpoint=checkpoint)


def _authored(
    data: ResponseArrays, prerequisites: Sequence[tuple[int, int]]
) -> tuple[tuple[str, str], ...]:
    answered = set(data.skills[np.unique(data.skill_index)].tolist())
    pairs = sorted((str(parent), str(child)) for parent, child in prerequisites)
    return tuple(pair for pair in pairs if answered.issuperset(pair))


def model_save(fitted: AnyFittedTracer, directory: Path) -> str:
    """Write a fitted model to a new directory, whole or not at all; return the manifest's SHA-256.

    Raises:
        KTModelsError: when it cannot be written (a full disk).
    """
    fitted.save(directory)
    return sha256_of(directory / MANIFEST)


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One model's scores on the test rows; intervals are 95 % over learners.

    AUC is None where every test answer is right, or every one wrong; an end of an interval where
    it has none.

    `ece_by_chance` is the calibration error that even perfectly calibrated predictions show on so
    few rows in one of twenty draws.
    """

    name: str
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    log_loss: float
    log_loss_low: float | None
    log_loss_high: float | None
    brier: float
    accuracy: float
    ece: float
    ece_by_chance: float


def backtest(
    fitted: AnyFittedTracer,
    export: Export,
    *,
    against: Mapping[str, AnyFittedTracer | None],
    groups: Mapping[int, str],
    seed: int,
) -> dict[str, Any]:
    """Score a fitted model beside others on the same test rows; everything is JSON.

    `against` holds the versions to compare with, the serving one first (None: the cold start);
    `groups` names each learner's group.

    Raises:
        KTModelsError: when a prediction is not a probability.
    """
    from kt_models.evaluate.bootstrap import paired_difference
    from kt_models.evaluate.metrics import reliability_curve
    from kt_models.evaluate.slices import by_history_length, by_learner_group, by_skill

    data, test = export.data, export.is_test
    tested = data.take(test)
    predictions = {"candidate": fitted.predict(data)[test]}
    for name, other in against.items():
        model = FittedBKT.with_defaults() if other is None else other
        predictions[name] = model.predict(data)[test]
    for name in BASELINES:
        baseline = load_tracer(name).fit(data.take(export.is_train), seed=seed)
        predictions[name] = baseline.predict(data)[test]
    rows = [_score_row(name, tested, p) for name, p in predictions.items()]
    first = next(iter(against))
    difference = paired_difference(
        tested.learner,
        tested.correct,
        predictions["candidate"],
        predictions[first],
        rng=np.random.default_rng(BOOTSTRAP_SEED),
    )
    curve = reliability_curve(tested.correct, predictions["candidate"], bins=10)
    group_of = [groups.get(int(learner), "") for learner in tested.learners]
    slices = {
        "by_skill": by_skill(tested, predictions["candidate"]),
        "by_group": by_learner_group(tested, predictions["candidate"], np.array(group_of)),
        "by_history": by_history_length(tested, predictions["candidate"]),
    }
    return {
        "test": {
            "n_responses": int(test.sum()),
            "n_learners": len(np.unique(tested.learner)),
            "later_from": export.later_from.isoformat(),
        },
        "train": {
            "n_responses": int(export.is_train.sum()),
            "n_learners": len(np.unique(data.learner[export.is_train])),
        },
        "rows": [asdict(row) for row in rows],
        "against": first,
        "difference": {
            "log_loss": _interval_json(difference.log_loss),
            "auc": _interval_json(difference.auc),
        },
        "reliability": [
            {"p": float(p), "correct": float(correct), "n": int(n)}
            for p, correct, n in zip(curve.mean_p, curve.mean_correct, curve.n, strict=True)
        ],
        **{
            name: [
                {
                    "name": part.name,
                    "n": part.scores.n,
                    "auc": _finite(part.scores.auc),
                    "log_loss": part.scores.log_loss,
                    "ece": part.scores.ece,
                    "mean_correct": part.scores.mean_correct,
                    "mean_p": part.scores.mean_p,
                }
                for part in parts
            ]
            for name, parts in slices.items()
        },
    }


@dataclass(frozen=True, slots=True)
class RecentScore:
    """Log loss on recent answers, with its 95 % interval over learners; None on too few."""

    n_responses: int
    n_learners: int
    log_loss: float | None
    low: float | None
    high: float | None


def recent_scores(
    fitted: AnyFittedTracer,
    rows: Sequence[ObservationRow] | Any,
    *,
    from_days: Sequence[float],
    n_least: int,
    learners_least: int,
) -> list[RecentScore]:
    """Score predictions of the answers after each moment, made from all that came before them.

    Raises:
        KTModelsError: when there is no row.
    """
    from kt_models.evaluate.bootstrap import score_intervals

    data = export_build(rows, held_out=()).data
    p = fitted.predict(data)
    scores = []
    for from_day in from_days:
        late = data.time > from_day
        n, n_learners = int(late.sum()), len(np.unique(data.learner[late]))
        loss = None
        if n >= n_least and n_learners >= learners_least:
            loss = score_intervals(
                data.learner[late],
                data.correct[late],
                p[late],
                rng=np.random.default_rng(BOOTSTRAP_SEED),
            ).log_loss
        scores.append(
            RecentScore(
                n_responses=n,
                n_learners=n_learners,
                log_loss=None if loss is None else _finite(loss.value),
                low=None if loss is None else _finite(loss.low),
                high=None if loss is None else _finite(loss.high),
            )
        )
    return scores


def _score_row(name: str, tested: ResponseArrays, p: NDArray[np.float64]) -> ScoreRow:
    from kt_models.evaluate.bootstrap import score_intervals
    from kt_models.evaluate.metrics import score

    scores = score(tested.correct, p)
    intervals = score_intervals(
        tested.learner, tested.correct, p, rng=np.random.default_rng(BOOTSTRAP_SEED)
    )
    return ScoreRow(
        name=name,
        auc=_finite(scores.auc),
        auc_low=_finite(intervals.auc.low),
        auc_high=_finite(intervals.auc.high),
        log_loss=scores.log_loss,
        log_loss_low=_finite(intervals.log_loss.low),
        log_loss_high=_finite(intervals.log_loss.high),
        brier=scores.brier,
        accuracy=scores.accuracy,
        ece=scores.ece,
        ece_by_chance=_ece_by_chance(p),
    )


def _ece_by_chance(p: NDArray[np.float64]) -> float:
    from kt_models.evaluate.metrics import expected_calibration_error

    rng = np.random.default_rng(BOOTSTRAP_SEED)
    draws = [expected_calibration_error(rng.random(len(p)) < p, p) for _ in range(CHANCE_DRAWS)]
    return float(np.quantile(draws, 0.95))


def _interval_json(interval: "Interval") -> dict[str, float | None]:
    return {
        "value": _finite(interval.value),
        "low": _finite(interval.low),
        "high": _finite(interval.high),
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
