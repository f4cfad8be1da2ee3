"""The only door to kt_models: versions in, states and beliefs out.

States are opaque blobs here; skills go in and out by their ids in the database.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings

from kt_models.artifacts import MANIFEST, read_artifact, sha256_of
from kt_models.bkt.filter import FittedBKT
from kt_models.bkt.table import BKTTable
from kt_models.errors import KTModelsError, StateError
from kt_models.protocol import AnyFittedTracer, Beliefs, Observation
from kt_models.registry import load_fitted
from tutor.tracing.models import ModelVersion

__all__ = [
    "Beliefs",
    "KTModelsError",
    "MissingExtraError",
    "Observation",
    "StateError",
    "forecast",
    "observation_make",
    "state_advance",
]


class MissingExtraError(KTModelsError):
    """A model needs a package that is not installed here; nothing is wrong with its artifact."""


DEFAULT_MODEL = FittedBKT.name

# A database driver gives a stored blob as either.
Blob = bytes | memoryview


@lru_cache(maxsize=32)
def _fitted(model_name: str, artifact: str, sha256: str) -> AnyFittedTracer:
    if artifact:
        return _artifact_load(artifact, sha256)
    if model_name != DEFAULT_MODEL:
        raise KTModelsError(f"{model_name} has no default parameters; expected an artifact")
    return FittedBKT.with_defaults()


def _artifact_load(artifact: str, sha256: str) -> AnyFittedTracer:
    directory = _artifact_directory(artifact, sha256)
    try:
        return load_fitted(directory)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{directory.name} needs '{error.name}', which is not installed here; workers of the "
            "queues predict, replay and fit need the extra `fit`"
        ) from error


def _artifact_directory(artifact: str, sha256: str) -> Path:
    directory = Path(settings.VAR_DIR) / "models" / artifact
    manifest = directory / MANIFEST
    if sha256 and (not manifest.is_file() or sha256_of(manifest) != sha256):
        raise KTModelsError(f"the manifest of {directory.name} is missing or was changed")
    return directory


def tracer(version: ModelVersion) -> AnyFittedTracer:
    """Return the fitted model of a version; kept in the process.

    Raises:
        KTModelsError: when its artifact is missing, was changed, or is too new.
    """
    return _fitted(version.model_name, version.artifact, version.sha256)


def tracer_check(version: ModelVersion) -> None:
    """Load a version's artifact afresh, whatever is kept. Raises: KTModelsError."""
    if version.artifact:
        _artifact_load(version.artifact, version.sha256)


def artifact_check(version: ModelVersion) -> None:
    """Hold a version's files against their hashes; no model's code is loaded, nor torch for it.

    Raises:
        KTModelsError: when one is missing or was changed.
    """
    if version.artifact:
        read_artifact(_artifact_directory(version.artifact, version.sha256))
    else:
        tracer(version)


def device_name() -> str:
    """Return where this worker fits: as KT_DEVICE says, or what there is."""
    if settings.KT_DEVICE != "auto":
        return str(settings.KT_DEVICE)
    try:
        import torch
    except ImportError:
        return "cpu"
    return "cuda" if torch.cuda.is_available() else "cpu"


def observation_make(
    skill_ids: Sequence[int], *, item: str, is_correct: bool, at_days: float
) -> Observation:
    """Return an observation in the models' words."""
    return Observation(
        skills=tuple(str(skill) for skill in skill_ids),
        item=item,
        is_correct=is_correct,
        at=at_days,
    )


def state_advance(
    version: ModelVersion, blob: Blob | None, observations: Iterable[Observation]
) -> bytes:
    """Return the state after the observations; a blob of None is a learner's beginning.

    Raises:
        KTModelsError: when an observation goes back in time or the blob cannot be read.
    """
    model = tracer(version)
    state = model.init_state() if blob is None else model.load_state(bytes(blob))
    for observation in observations:
        state = model.update(state, observation)
    return model.dump_state(state)


def forecast(
    version: ModelVersion,
    blobs: Sequence[Blob | None],
    skill_ids: Sequence[int],
    *,
    at_days: float,
) -> Beliefs:
    """Return beliefs (n_learners, n_skills) at a time; a blob of None is a learner's beginning."""
    model = tracer(version)
    states = [
        model.init_state() if blob is None else model.load_state(bytes(blob)) for blob in blobs
    ]
    return model.forecast_many(states, [str(skill) for skill in skill_ids], at=at_days)


class Asked(NamedTuple):
    """A step that could be asked, in the models' words."""

    skills: tuple[str, ...]
    item: str


def steps_score(
    version: ModelVersion,
    blob: Blob,
    steps: Sequence[tuple[str, Sequence[int]]],
    *,
    at_days: float,
) -> list[float]:
    """Return P(correct) of each step (item, skills) as the next answer of a learner.

    A model that reads items scores them all in one batch; the others are asked once for each set of
    skills.
    """
    model = tracer(version)
    state = model.load_state(bytes(blob))
    asked = [Asked(tuple(str(skill) for skill in skill_ids), item) for item, skill_ids in steps]
    score_all = getattr(model, "score_all", None)
    if score_all is not None:
        return [float(p) for p in score_all(state, asked, at=at_days)]
    p_of = {
        skills: float(model.predict_next(state, skills, item=None, at=at_days))
        for skills in dict.fromkeys(one.skills for one in asked)
    }
    return [p_of[one.skills] for one in asked]


def forecast_unknown(n_learners: int, skill_ids: Sequence[int], *, at_days: float) -> Beliefs:
    """Return what is believed of learners of whom nothing is known."""
    model = FittedBKT.with_defaults()
    states = [model.init_state()] * n_learners
    return model.forecast_many(states, [str(skill) for skill in skill_ids], at=at_days)


def cold_start_table(*, n_learners: int, n_skills: int, ages_evidence: bool = True) -> BKTTable:
    """Return the cold-start model's states of many learners as arrays, for simulations."""
    return BKTTable.with_defaults(
        n_learners=n_learners, n_skills=n_skills, ages_evidence=ages_evidence
    )


@dataclass(frozen=True, slots=True)
class TrailPoint:
    """The belief of one skill after an observation (`index`), or at a later time (None)."""

    index: int | None
    at_days: float
    p_correct: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Trail:
    """How one skill's belief went, and the state after the observations, to go on from."""

    points: tuple[TrailPoint, ...]
    blob: bytes


def trail(
    version: ModelVersion,
    observations: Sequence[Observation],
    *,
    skill_id: int,
    ahead_at_days: Sequence[float],
    blob: Blob | None = None,
) -> Trail:
    """Return how one skill's belief went: after each of its observations, then at times ahead.

    It begins with the state in `blob`; None is a learner's beginning.
    """
    model = tracer(version)
    state = model.init_state() if blob is None else model.load_state(bytes(blob))
    skill = str(skill_id)
    points = []
    for index, observation in enumerate(observations):
        state = model.update(state, observation)
        if skill in observation.skills:
            points.append(_trail_point(model, state, skill, index=index, at=observation.at))
    points += [_trail_point(model, state, skill, index=None, at=at) for at in ahead_at_days]
    return Trail(points=tuple(points), blob=model.dump_state(state))


def _trail_point(
    model: AnyFittedTracer, state: Any, skill: str, *, index: int | None, at: float
) -> TrailPoint:
    beliefs = model.forecast(state, [skill], at=at)
    return TrailPoint(
        index=index,
        at_days=at,
        p_correct=float(beliefs.p_correct[0]),
        lower=float(beliefs.lower[0]),
        upper=float(beliefs.upper[0]),
    )


def first_below(
    version: ModelVersion,
    blob: Blob,
    skill_ids: Sequence[int],
    *,
    threshold: float,
    from_days: float,
    horizon_days: int = 180,
) -> list[float | None]:
    """Return when P(mastery) of each skill first falls below a threshold without practice.

    In days since the epoch, to the day; None where it stays above for the whole horizon.
    """
    model = tracer(version)
    state = model.load_state(bytes(blob))
    skills = [str(skill) for skill in skill_ids]
    found: list[float | None] = []
    for skill in skills:
        low, high = 0, horizon_days
        if _p_mastery(model, state, skill, from_days + high) >= threshold:
            found.append(None)
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if _p_mastery(model, state, skill, from_days + middle) < threshold:
                high = middle
            else:
                low = middle
        found.append(from_days + high)
    return found


def _p_mastery(model: AnyFittedTracer, state: Any, skill: str, at: float) -> float:
    return float(model.forecast(state, [skill], at=at).p_mastery[0])
