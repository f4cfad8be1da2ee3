"""Logistic baselines: PFA, and DAS3H-style models with and without items.

Sources: Pavlik, Cen, Koedinger (2009), PFA; Choffin et al. (2019), DAS3H; Gervet et al. (2020),
"Best-LR". Ours differ from PFA in that counts are logarithms, log(1 + n): linear ones go wild on
histories longer than those fitted on. They differ from DAS3H in this: counts outside the windows
are kept, learners have no coefficient (an unseen learner has none either; their own totals stand
in), and the context of kt_models.baselines.features is added.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, TimeUnit
from kt_models.artifacts import check_model_version, npz_writer, read_artifact, write_artifact
from kt_models.baselines.features import (
    WINDOWS_DAYS,
    FeatureConfig,
    Rates,
    column_counts,
    design,
    fit_rates,
)
from kt_models.baselines.history import F
from kt_models.baselines.serving import HistoryServing
from kt_models.baselines.solver import Weights, predict_logits, sigmoid, solve_logistic
from kt_models.errors import ArtifactError, ConfigError, DataError
from kt_models.evaluate.metrics import pointwise_log_loss
from kt_models.protocol import Progress
from kt_models.split import learner_folds

MODEL_VERSION = 1
_ARRAYS = "weights.npz"
_FOLDS_TO_CHOOSE = 5
_MIN_LEARNERS_TO_CHOOSE = 10


@dataclass(frozen=True, slots=True)
class LogisticConfig:
    """Features and penalties; a penalty is the precision of a Gaussian prior on coefficients.

    Chosen on a fifth of the training learners of ASSISTments 2009, and flat around the values.
    Below small_n responses the penalties are multiplied by those of sparse_factors and
    context_factors that predict held-out training learners best.
    """

    features: FeatureConfig
    uses_windows: bool = False
    skill_penalty: float = 1.0
    slope_penalty: float = 10.0
    turn_penalty: float = 5.0
    item_penalty: float = 1.2
    context_penalty: float = 1.0
    max_iterations: int = 500
    tolerance: float = 1e-6
    small_n: int = 30_000
    sparse_factors: tuple[float, ...] = (1.0, 4.0, 16.0, 64.0, 256.0)
    context_factors: tuple[float, ...] = (1.0, 10.0, 100.0)


class _Factors(NamedTuple):
    sparse: float = 1.0
    context: float = 1.0


CONFIGS = {
    "pfa": LogisticConfig(features=FeatureConfig(has_context=False), slope_penalty=1.0),
    "das3h": LogisticConfig(features=FeatureConfig(), uses_windows=True),
    "das3h_items": LogisticConfig(features=FeatureConfig(has_items=True), uses_windows=True),
}


class LogisticTracer:
    """A logistic model by name: pfa, das3h or das3h_items."""

    def __init__(self, name: str, *, config: LogisticConfig | None = None) -> None:
        if name not in CONFIGS:
            raise ConfigError(f"name is '{name}', expected one of {', '.join(CONFIGS)}")
        self.name = name
        self.config = config or CONFIGS[name]

    def fit(
        self,
        data: ResponseArrays,
        *,
        seed: int,
        validation: ResponseArrays | None = None,
        progress: Progress | None = None,
        checkpoint: Path | None = None,
    ) -> "FittedLogistic":
        """Fit on responses; time windows are used where the data has real times.

        Raises: DataError when there is no response, FitError when the objective is not a number.
        """
        if not data.n_responses:
            raise DataError("there are no responses to fit on; expected at least one")
        merged = data.merged().data
        config = self.config
        if config.uses_windows and data.time_unit != "index":
            features = replace(config.features, windows_days=WINDOWS_DAYS)
            config = replace(config, features=features)
        factors = _Factors()
        if merged.n_responses < config.small_n and merged.n_learners >= _MIN_LEARNERS_TO_CHOOSE:
            factors = _best_factors(merged, config, rng=np.random.default_rng(seed))
        weights, rates = _solve(merged, config, factors=factors, progress=progress)
        return FittedLogistic(
            self.name, weights, rates, features=config.features, time_unit=data.time_unit
        )


class FittedLogistic(HistoryServing):
    """A fitted logistic model."""

    def __init__(
        self,
        name: str,
        weights: Weights,
        rates: Rates,
        *,
        features: FeatureConfig,
        time_unit: TimeUnit,
    ) -> None:
        self.name = name
        self.weights = weights
        self.rates = rates
        self.features = features
        self.time_unit = time_unit

    def predict(self, data: ResponseArrays) -> F:
        """Return (n,) P(correct) from what the learner did before each response.

        Raises: DataError when the model was fitted on real times and the data has indexes, or
        the other way round: gaps would then mean something else.
        """
        if (data.time_unit == "index") != (self.time_unit == "index"):
            raise DataError(
                f"data has time_unit '{data.time_unit}'; {self.name} was fitted on "
                f"'{self.time_unit}'"
            )
        if not data.n_responses:
            return np.empty(0)
        merged = data.merged()
        built = design(merged.data, self.rates, self.features)
        return sigmoid(predict_logits(built, self.weights))[merged.response]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all numbers and vocabularies by name; from_arrays builds the model again."""
        return {
            "sparse": self.weights.sparse,
            "dense": self.weights.dense,
            "intercept": np.array([self.weights.intercept]),
            "skills": self.rates.skills,
            "items": self.rates.items,
            "skill": self.rates.skill,
            "item": self.rates.item,
            "pairs": self.rates.pairs,
        }

    def save(self, directory: Path, *, created_at: datetime | None = None) -> None:
        """Write a new artifact. Raises: ArtifactError."""
        write_artifact(
            directory,
            name=self.name,
            model_version=MODEL_VERSION,
            config={"time_unit": self.time_unit, "features": asdict(self.features)},
            writers={_ARRAYS: npz_writer(self.arrays())},
            created_at=created_at,
        )

    @classmethod
    def load(cls, directory: Path) -> "FittedLogistic":
        """Read what save wrote. Raises: ArtifactError."""
        artifact = read_artifact(directory)
        manifest = artifact.manifest
        if manifest.name not in CONFIGS:
            raise ArtifactError(f"{directory} holds a '{manifest.name}' model, not a logistic one")
        check_model_version(manifest, newest=MODEL_VERSION)
        return cls.from_arrays(
            manifest.name,
            artifact.arrays(_ARRAYS),
            features=features_from(manifest.config["features"]),
            time_unit=manifest.config["time_unit"],
        )

    @classmethod
    def from_arrays(
        cls,
        name: str,
        arrays: Mapping[str, NDArray[Any]],
        *,
        features: FeatureConfig,
        time_unit: TimeUnit,
    ) -> "FittedLogistic":
        """Build the model whose arrays() these are."""
        return cls(
            name,
            Weights(
                sparse=arrays["sparse"],
                dense=arrays["dense"],
                intercept=float(arrays["intercept"][0]),
            ),
            Rates(
                skills=arrays["skills"],
                items=arrays["items"],
                skill=arrays["skill"],
                item=arrays["item"],
                pairs=arrays["pairs"],
            ),
            features=features,
            time_unit=time_unit,
        )


def features_from(stored: Mapping[str, Any]) -> FeatureConfig:
    """Return the features that a manifest names."""
    return FeatureConfig(**{**stored, "windows_days": tuple(stored["windows_days"])})


def _solve(
    merged: ResponseArrays,
    config: LogisticConfig,
    *,
    factors: _Factors,
    progress: Progress | None = None,
) -> tuple[Weights, Rates]:
    rates = fit_rates(merged)
    built = design(merged, rates, config.features)
    weights = solve_logistic(
        built,
        merged.correct.astype(np.float64),
        penalty=_penalty(rates, config, n_context=built.dense.shape[1], factors=factors),
        max_iterations=config.max_iterations,
        tolerance=config.tolerance,
        progress=progress,
    )
    return weights, rates


def _best_factors(
    merged: ResponseArrays, config: LogisticConfig, *, rng: np.random.Generator
) -> _Factors:
    """Choose how much stronger penalties must be where there is little data."""
    context = config.context_factors if config.features.has_context else (1.0,)
    tried = [_Factors(*pair) for pair in product(config.sparse_factors, context)]
    losses = np.zeros(len(tried))
    for parts in learner_folds(merged, n_folds=_FOLDS_TO_CHOOSE, rng=rng):
        train, test = merged.take_learners(parts.train), merged.take_learners(parts.test)
        rates = fit_rates(train)
        shown, held_out = (design(part, rates, config.features) for part in (train, test))
        for number, factors in enumerate(tried):
            penalty = _penalty(rates, config, n_context=shown.dense.shape[1], factors=factors)
            weights = solve_logistic(
                shown,
                train.correct.astype(np.float64),
                penalty=penalty,
                max_iterations=config.max_iterations,
                tolerance=config.tolerance,
            )
            p = sigmoid(predict_logits(held_out, weights))
            losses[number] += pointwise_log_loss(test.correct == 1, p).sum()
    return tried[int(np.argmin(losses))]


def _penalty(rates: Rates, config: LogisticConfig, *, n_context: int, factors: _Factors) -> F:
    n_skills = len(rates.skills)
    n_blocks, n_turns, n_items = column_counts(rates, config.features)
    return np.repeat(
        [
            config.skill_penalty * factors.sparse,
            config.slope_penalty * factors.sparse,
            config.turn_penalty * factors.sparse,
            config.item_penalty * factors.sparse,
            config.context_penalty * factors.context,
        ],
        [n_skills, n_blocks - n_skills, n_turns, n_items, n_context],
    )
