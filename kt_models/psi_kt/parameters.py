"""The fitted population of learners, skills and items: plain arrays, and how they are saved."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import TimeUnit
from kt_models.artifacts import check_model_version, npz_writer, read_artifact, write_artifact
from kt_models.errors import ArtifactError, ConfigError
from kt_models.psi_kt.config import CONFIGS, PSIKTConfig
from kt_models.psi_kt.recursion import F, Traits
from kt_models.returning import UNCHANGED, ReturnMap

MODEL_VERSION = 2
LEAST_DECAY = 1e-4
N_TRAITS = 3
_FILE = "parameters.npz"
_SCALARS = ("level_mean", "level_variance", "start_mean", "start_variance")
_SHOWN = ("weight", "lower", "upper", "share", "told", "told_sd", "gain", "gain_sd")
_GAINS = ("gain", "gain_sd")
_DRIFTS = ("level_drift", "trait_drift")


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """The learned graph: weight a[parent, child] with its 80 % interval, each (K, K).

    share is what the edge contributes to the child's pull at the fit; told what the answers alone
    say that it is, with standard error told_sd. gain is what the parent is worth in the log between
    learners of one level, with standard error gain_sd; NaN where too few tell. n_learners counts
    those who practised the parent before the child; right_strong and n_strong, right_weak and
    n_weak count their first answers to the child where at least, or less than, half of their
    answers to the parent had been right.
    """

    weight: NDArray[np.float32]
    lower: NDArray[np.float32]
    upper: NDArray[np.float32]
    share: NDArray[np.float32]
    told: NDArray[np.float32]
    told_sd: NDArray[np.float32]
    gain: NDArray[np.float32]
    gain_sd: NDArray[np.float32]
    n_learners: NDArray[np.int32]
    right_strong: NDArray[np.int32]
    n_strong: NDArray[np.int32]
    right_weak: NDArray[np.int32]
    n_weak: NDArray[np.int32]


def no_edges(n_skills: int) -> Edges:
    """Return a graph without edges, of which nothing is known."""
    tables: Any = {
        one.name: np.zeros((n_skills, n_skills), "f4" if one.name in _SHOWN else "i4")
        for one in fields(Edges)
    }
    return Edges(**tables)


@dataclass(frozen=True, slots=True, eq=False)
class PSIKTParameters:
    """What a fit found. Skill rows are skills and one more, for skills that it never saw.

    trait_mean, trait_sd (3,): of decay, volatility and transfer before softplus, softplus and
    sigmoid. level_*: the long-run level over learners; level_drift its variance per response;
    trait_drift the chance per response that traits are drawn anew. start_*: a skill before its
    first answer. parents (K + 1, m): skill codes, -1 for none, with their shares of the pull;
    rest, rest_square (K + 1,): what pruned parents add up to. skill_offset (K + 1,), item_offset
    (I,), coefficients (F,) of kt_models.psi_kt.history; skill_rate (K + 1,), item_rate (I,): shares
    right in the training log. raw holds the fit's own variables, from which a refit starts.
    returning is how forecasts hold after a break (kt_models.returning).
    """

    name: str
    config: PSIKTConfig
    time_unit: TimeUnit
    skills: NDArray[np.str_]
    items: NDArray[np.str_]
    trait_mean: F
    trait_sd: F
    level_mean: float
    level_variance: float
    start_mean: float
    start_variance: float
    level_drift: float
    trait_drift: float
    parents: NDArray[np.int64]
    parent_share: F
    rest: F
    rest_square: F
    skill_offset: F
    item_offset: F
    coefficients: F
    skill_rate: F
    item_rate: F
    edges: Edges
    raw: Mapping[str, NDArray[Any]]
    returning: ReturnMap = UNCHANGED

    def __post_init__(self) -> None:
        for name in ("trait_mean", "trait_sd", "parent_share", "skill_offset", "item_offset"):
            if not np.isfinite(getattr(self, name)).all():
                raise ConfigError(f"{name} of a PSI-KT model holds a value that is not finite")
        for name in (*_SCALARS, *_DRIFTS):
            if not math.isfinite(getattr(self, name)):
                raise ConfigError(f"{name} is {getattr(self, name)}, expected a finite number")

    def traits(self) -> Traits:
        """Return the trait points (P,) that every learner's weights are over."""
        return traits_at(self.trait_mean + self.trait_sd * normal_points(self.config.particles))


def traits_at(raw: F) -> Traits:
    """Return traits of unconstrained values (P, 3)."""
    alpha = np.logaddexp(0.0, raw[:, 0]) + LEAST_DECAY
    sigma = np.logaddexp(0.0, raw[:, 1])
    return Traits(
        alpha=alpha, spread=sigma**2 / (2.0 * alpha), gamma=0.5 * (1.0 + np.tanh(0.5 * raw[:, 2]))
    )


@cache
def normal_points(n: int) -> F:
    """Return (n, 3) points that stand for a standard normal: mean 0 and covariance 1, exactly.

    Source: the additive recurrence of the plastic number's kin (Roberts 2018) through the normal
    quantile, then whitened.
    """
    if n <= N_TRAITS:
        # Too few to span three dimensions: spread along the diagonal, one standard deviation.
        line = np.linspace(-1.0, 1.0, n) if n > 1 else np.zeros(1)
        return np.repeat(line[:, None], N_TRAITS, axis=1)
    root = 1.2207440846057596  # of x^4 = x + 1
    steps = np.arange(1, n + 1)[:, None] / root ** np.arange(1, N_TRAITS + 1)
    quantile = NormalDist().inv_cdf
    uniform = (0.5 + steps) % 1.0
    points = np.array([[quantile(value) for value in row] for row in uniform.tolist()])
    points -= points.mean(axis=0)
    white = np.linalg.inv(np.linalg.cholesky(points.T @ points / n))
    whitened: F = points @ white.T
    whitened.setflags(write=False)
    return whitened


def strongest_parents(
    share: F, max_parents: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Prune pull shares (parent, child) to the strongest parents of each child.

    Returns parents (K + 1, m), their shares, and the sums of shares and squared shares of those
    left out; the last row, of unknown skills, has no parents.
    """
    n_skills = len(share)
    m = max(min(max_parents, n_skills - 1), 1)
    parents = np.full((n_skills + 1, m), -1, dtype=np.int64)
    kept = np.zeros((n_skills + 1, m))
    rest, rest_square = np.zeros(n_skills + 1), np.zeros(n_skills + 1)
    if n_skills:
        order = np.argsort(-share, axis=0, kind="stable")[:m].T
        values = np.take_along_axis(share.T, order, axis=1)
        parents[:-1, : order.shape[1]] = np.where(values > 0.0, order, -1)
        kept[:-1, : order.shape[1]] = values
        rest[:-1] = np.maximum(share.sum(axis=0) - values.sum(axis=1), 0.0)
        rest_square[:-1] = np.maximum((share**2).sum(axis=0) - (values**2).sum(axis=1), 0.0)
    return parents, kept, rest, rest_square


_ARRAYS: tuple[str, ...] = (
    *("skills", "items", "trait_mean", "trait_sd", "parents", "parent_share", "rest"),
    *("rest_square", "skill_offset", "item_offset", "coefficients", "skill_rate", "item_rate"),
)


def save_parameters(
    parameters: PSIKTParameters, directory: Path, *, created_at: datetime | None = None
) -> None:
    """Write a new artifact. Raises: ArtifactError."""
    arrays = {name: getattr(parameters, name) for name in _ARRAYS}
    arrays |= {f"edges_{one.name}": getattr(parameters.edges, one.name) for one in fields(Edges)}
    arrays |= {f"raw_{name}": value for name, value in parameters.raw.items()}
    scalars = {name: getattr(parameters, name) for name in (*_SCALARS, *_DRIFTS)}
    write_artifact(
        directory,
        name=parameters.name,
        model_version=MODEL_VERSION,
        config={
            "config": asdict(parameters.config),
            "scalars": scalars,
            "returning": asdict(parameters.returning),
            "time_unit": parameters.time_unit,
        },
        writers={_FILE: npz_writer(arrays)},
        created_at=created_at,
    )


def load_parameters(directory: Path) -> PSIKTParameters:
    """Read an artifact. Raises: ArtifactError."""
    artifact = read_artifact(directory)
    name, stored = artifact.manifest.name, artifact.manifest.config
    if name not in CONFIGS:
        raise ArtifactError(
            f"{directory} holds a '{name}' model, expected one of {', '.join(CONFIGS)}"
        )
    check_model_version(artifact.manifest, newest=MODEL_VERSION)
    if artifact.manifest.model_version < MODEL_VERSION:
        raise ArtifactError(
            f"{directory} has model version {artifact.manifest.model_version}, which did not keep "
            f"what answers say of edges; expected {MODEL_VERSION}: fit the model again"
        )
    arrays: Any = artifact.arrays(_FILE)
    try:
        scalars: Any = {one: float(stored["scalars"][one]) for one in (*_SCALARS, *_DRIFTS)}
        return PSIKTParameters(
            name=name,
            config=PSIKTConfig(**stored["config"]),
            time_unit=stored["time_unit"],
            **scalars,
            **{one: arrays[one] for one in _ARRAYS},
            edges=Edges(**{one.name: _edge_table(arrays, one.name) for one in fields(Edges)}),
            raw={
                key.removeprefix("raw_"): value
                for key, value in arrays.items()
                if key.startswith("raw_")
            },
            # Earlier artifacts have none.
            returning=ReturnMap(**stored.get("returning", {})),
        )
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise ArtifactError(f"{directory} does not hold PSI-KT parameters: {error}") from error


def _edge_table(arrays: Any, name: str) -> NDArray[Any]:
    """Return a table of the graph; earlier artifacts did not keep what parents are worth."""
    if name in _GAINS and f"edges_{name}" not in arrays:
        return np.full_like(arrays["edges_weight"], np.nan)
    table: NDArray[Any] = arrays[f"edges_{name}"]
    return table
