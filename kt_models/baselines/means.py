"""Baselines that average: what every model must beat before anyone looks at it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from kt_models.arrays import ResponseArrays, TimeUnit, lookup
from kt_models.artifacts import check_model_version, npz_writer, read_artifact, write_artifact
from kt_models.baselines.features import Rates, fit_rates
from kt_models.baselines.history import F, by_learner
from kt_models.baselines.serving import HistoryServing
from kt_models.errors import ArtifactError, ConfigError, DataError
from kt_models.evaluate.metrics import pointwise_log_loss
from kt_models.protocol import Progress

MeanKind: TypeAlias = Literal["majority", "learner_mean", "skill_mean", "item_mean"]

MODEL_VERSION = 1
STRENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_ARRAYS = "means.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """What was learned: overall share right, strength of the prior in answers, and the rates."""

    mean: float
    strength: float
    rates: Rates


class MeanTracer:
    """One of the averaging models.

    majority predicts the training share of right answers for everything; learner_mean the
    learner's own share so far, drawn towards it; skill_mean and item_mean the training share of
    the skill or the item (of its skills, where the item was never seen).
    """

    def __init__(self, name: MeanKind) -> None:
        if name not in get_args(MeanKind):
            raise ConfigError(f"name is '{name}', expected one of {get_args(MeanKind)}")
        self.name: MeanKind = name

    def fit(
        self,
        data: ResponseArrays,
        *,
        seed: int,
        validation: ResponseArrays | None = None,
        progress: Progress | None = None,
        checkpoint: Path | None = None,
    ) -> "FittedMean":
        """Fit on responses. Raises: DataError when there is none."""
        if not data.n_responses:
            raise DataError("there are no responses to fit on; expected at least one")
        merged = data.merged().data
        mean = (float(merged.correct.sum()) + 1.0) / (merged.n_responses + 2.0)
        strength = _best_strength(merged, mean) if self.name == "learner_mean" else STRENGTHS[0]
        if progress is not None:
            progress(1.0, f"{self.name}: fitted")
        means = Means(mean=mean, strength=strength, rates=fit_rates(merged))
        return FittedMean(self.name, means, time_unit=data.time_unit)


class FittedMean(HistoryServing):
    """A fitted averaging model."""

    def __init__(self, name: MeanKind, means: Means, *, time_unit: TimeUnit) -> None:
        self.name: MeanKind = name
        self.means = means
        self.time_unit = time_unit

    def predict(self, data: ResponseArrays) -> F:
        """Return (n,) P(correct) from what the learner did before each response."""
        if not data.n_responses:
            return np.empty(0)
        merged = data.merged()
        return self._predict(merged.data)[merged.response]

    def _predict(self, data: ResponseArrays) -> F:
        means = self.means
        if self.name == "majority":
            return np.full(data.n_responses, means.mean)
        if self.name == "learner_mean":
            return _learner_mean(data, means.mean, strength=means.strength)
        rates = means.rates
        known = lookup(rates.skills, data.skills)[data.skill_index]
        starts, counts = data.skill_indptr[:-1], np.diff(data.skill_indptr)
        by_skill: F = np.add.reduceat(rates.skill[known], starts) / counts
        if self.name == "skill_mean" or not len(rates.items) or not len(data.items):
            return by_skill
        item = np.append(lookup(rates.items, data.items), -1)[data.item]
        return np.where(item >= 0, rates.item[item], by_skill)

    def save(self, directory: Path, *, created_at: datetime | None = None) -> None:
        """Write a new artifact. Raises: ArtifactError."""
        rates = self.means.rates
        arrays = {
            "skills": rates.skills,
            "items": rates.items,
            "skill": rates.skill,
            "item": rates.item,
            "scalars": np.array([self.means.mean, self.means.strength]),
        }
        write_artifact(
            directory,
            name=self.name,
            model_version=MODEL_VERSION,
            config={"time_unit": self.time_unit},
            writers={_ARRAYS: npz_writer(arrays)},
            created_at=created_at,
        )

    @classmethod
    def load(cls, directory: Path) -> "FittedMean":
        """Read what save wrote. Raises: ArtifactError."""
        artifact = read_artifact(directory)
        manifest: Any = artifact.manifest
        if manifest.name not in get_args(MeanKind):
            raise ArtifactError(f"{directory} holds a '{manifest.name}' model, not a mean")
        check_model_version(manifest, newest=MODEL_VERSION)
        arrays = artifact.arrays(_ARRAYS)
        rates = Rates(
            skills=arrays["skills"],
            items=arrays["items"],
            skill=arrays["skill"],
            item=arrays["item"],
            pairs=np.empty(0, dtype=np.int64),
        )
        mean, strength = arrays["scalars"].tolist()
        means = Means(mean=mean, strength=strength, rates=rates)
        return cls(manifest.name, means, time_unit=manifest.config["time_unit"])


def _learner_mean(data: ResponseArrays, mean: float, *, strength: float) -> F:
    groups = by_learner(data)
    right = groups.before(data.correct.astype(np.float64))
    return (right + strength * mean) / (groups.before(np.ones(data.n_responses)) + strength)


def _best_strength(data: ResponseArrays, mean: float) -> float:
    """Choose the prior's weight by the one-step log loss on the training learners themselves."""
    correct = data.correct.astype(np.bool_)
    losses = [
        pointwise_log_loss(correct, _learner_mean(data, mean, strength=strength)).mean()
        for strength in STRENGTHS
    ]
    return STRENGTHS[int(np.argmin(losses))]
