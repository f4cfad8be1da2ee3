"""CAKT as a tracer."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, TimeUnit
from kt_models.artifacts import (
    check_model_version,
    npz_writer,
    read_artifact,
    safetensors_writer,
    write_artifact,
)
from kt_models.baselines.logistic import FittedLogistic, features_from
from kt_models.baselines.solver import sigmoid
from kt_models.baselines.trace import LogisticTrace
from kt_models.cakt.base import clipped, log_odds
from kt_models.cakt.batches import prepare
from kt_models.cakt.config import CONFIGS, CAKTConfig
from kt_models.cakt.fit import entry_logits, fit_network
from kt_models.cakt.network import CAKTNetwork
from kt_models.cakt.serving import OnlineNetwork, Query
from kt_models.cakt.state import (
    CAKTState,
    dump_state,
    load_state,
    new_state,
    without_memory,
)
from kt_models.errors import ArtifactError, ConfigError, DataError, StateError
from kt_models.evaluate.slices import fuse_mean
from kt_models.online import check_observation, counted_beliefs, seen_after
from kt_models.protocol import Beliefs, Observation, Progress

F = NDArray[np.float64]

MODEL_VERSION = 1
_WEIGHTS = "weights.safetensors"
_BASE = "base.npz"

Asked: TypeAlias = tuple[CAKTState, tuple[str, ...], str | None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A response that may come next: its skills, at least one, and its item where known."""

    skills: tuple[str, ...]
    item: str | None = None


class CAKTTracer:
    """CAKT by name, to be fitted: cakt, cakt_small or cakt_plus."""

    def __init__(self, name: str, *, config: CAKTConfig | None = None) -> None:
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
    ) -> "FittedCAKT":
        """Fit on responses; the epoch is chosen on validation, else on a tenth of the learners.

        Raises: DataError when there is too little data, FitError when a forecast is not a number,
        ConfigError when a GPU is asked for and there is none.
        """
        if not data.n_responses:
            raise DataError("there are no responses to fit on; expected at least one")
        fitted = fit_network(
            data.merged().data,
            config=self.config,
            seed=seed,
            validation=None if validation is None else validation.merged().data,
            progress=progress,
            checkpoint=checkpoint,
        )
        return FittedCAKT(
            self.name,
            fitted.network,
            fitted.skills,
            base=fitted.base,
            temperature=fitted.temperature,
            config=self.config,
            time_unit=data.time_unit,
            validation_misses=fitted.validation_misses,
        )


class FittedCAKT:
    """A fitted CAKT. The network counts steps, not days; with a base, that one reads the time.

    validation_misses is 1 - AUC on the held-out learners after every epoch of training, or the log
    loss where their answers are all alike.
    """

    def __init__(
        self,
        name: str,
        network: CAKTNetwork,
        skills: NDArray[np.str_],
        *,
        base: FittedLogistic | None,
        temperature: float,
        config: CAKTConfig,
        time_unit: TimeUnit,
        validation_misses: Sequence[float] = (),
    ) -> None:
        self.name = name
        self.network = network
        self.base = base
        self.skills = skills
        self.temperature = temperature
        self.config = config
        self.time_unit = time_unit
        self.validation_misses = tuple(validation_misses)
        self._trace = None if base is None else LogisticTrace(base)
        self._online = OnlineNetwork(network, skills, config=config)

    def init_state(self) -> CAKTState:
        """Return the state of a learner who has answered nothing."""
        return new_state(self.config.width)

    def update(self, state: CAKTState, observation: Observation) -> CAKTState:
        """Return the state after one response: both recurrences one step on.

        Raises: DataError for no skills, a skill named twice, or time going backwards.
        """
        check_observation(observation, last_at=state.last_at)
        state = self._begun(state)
        asked = [(state, observation.skills, observation.item)]
        base = float(self._base_log_odds(asked, at=observation.at)[0])
        trace = state.trace
        if self._trace is not None:
            trace = self._trace.after(trace, observation)
        return CAKTState(
            memory=self._online.step(state, observation, base=base),
            n=state.n + 1,
            last_at=observation.at,
            previous=observation.skills[0],
            frames=self._online.frames_after(state, observation),
            seen=seen_after(state.seen, observation),
            trace=trace,
        )

    def predict_next(
        self, state: CAKTState, skills: Sequence[str], *, item: str | None, at: float
    ) -> float:
        """Return P(correct) of the next response: the mean over its skills."""
        return float(self.score_all(state, [Candidate(tuple(skills), item)], at=at)[0])

    def score_all(self, state: CAKTState, candidates: Sequence[Candidate], *, at: float) -> F:
        """Return (n_candidates,) P(correct) of each as the next response, in one batch.

        Raises: DataError for a candidate without skills, or a time that is no number.
        """
        if not isfinite(at):
            raise DataError(f"at is {at}, expected a finite time")
        for number, candidate in enumerate(candidates):
            if not candidate.skills:
                raise DataError(f"candidate {number} has no skills; expected one or more")
        begun = self._begun(state)
        return self._answer([(begun, one.skills, one.item) for one in candidates], at=at)

    def forecast(self, state: CAKTState, skills: Sequence[str], *, at: float) -> Beliefs:
        """Return (n_skills,) beliefs; mastery is P(correct), for want of a latent one."""
        return self.forecast_many([state], skills, at=at).of_learner(0)

    def forecast_many(
        self, states: Sequence[CAKTState], skills: Sequence[str], *, at: float
    ) -> Beliefs:
        """Return (n_learners, n_skills) beliefs; the network states no uncertainty of its own."""
        if not isfinite(at):
            raise DataError(f"at is {at}, expected a finite time")
        shape = (len(states), len(skills))
        begun = [self._begun(state) for state in states]
        p_correct = self._answer(
            [(state, (skill,), None) for state in begun for skill in skills], at=at
        ).reshape(shape)
        return counted_beliefs(p_correct, [state.seen for state in states], skills)

    def predict(self, data: ResponseArrays) -> F:
        """Return (n,) P(correct), the mean over a response's skills, from earlier responses only.

        The network reads histories whole, or in runs of config.predict_fold without memory between
        them; a base always reads them whole.
        """
        if not data.n_responses:
            return np.empty(0)
        merged = data.merged()
        prepared = prepare(
            merged.data,
            self.skills,
            config=self.config,
            fold=self.config.predict_fold,
            base=None if self.base is None else log_odds(self.base.predict(merged.data)),
        )
        p = sigmoid(entry_logits(self.network, prepared) / self.temperature)
        return fuse_mean(p, prepared.tokens.indptr)[merged.response]

    def dump_state(self, state: CAKTState) -> bytes:
        """Return a versioned blob of the state."""
        return dump_state(state)

    def load_state(self, blob: bytes) -> CAKTState:
        """Return the state of a blob. Raises: StateError."""
        state = load_state(blob, width=self.config.width)
        unknown = state.frames.keys() - set(self.skills.tolist())
        if unknown:
            raise StateError(
                f"the state has answers to {len(unknown)} skills that {self.name} was not fitted "
                f"on, among them '{min(unknown)}'"
            )
        return state

    def save(self, directory: Path, *, created_at: datetime | None = None) -> None:
        """Write a new artifact. Raises: ArtifactError."""
        weights = self.network.state_dict()
        writers = {_WEIGHTS: safetensors_writer({key: one.numpy() for key, one in weights.items()})}
        if self.base is not None:
            writers[_BASE] = npz_writer(self.base.arrays())
        write_artifact(
            directory,
            name=self.name,
            model_version=MODEL_VERSION,
            config={
                "config": asdict(self.config),
                "skills": self.skills.tolist(),
                "temperature": self.temperature,
                "time_unit": self.time_unit,
                "validation_misses": list(self.validation_misses),
                "base_features": None if self.base is None else asdict(self.base.features),
            },
            writers=writers,
            created_at=created_at,
        )

    @classmethod
    def load(cls, directory: Path) -> "FittedCAKT":
        """Read what save wrote. Raises: ArtifactError."""
        from safetensors.numpy import load_file

        artifact = read_artifact(directory)
        manifest = artifact.manifest
        if manifest.name not in CONFIGS:
            raise ArtifactError(f"{directory} holds a '{manifest.name}' model, not a CAKT one")
        check_model_version(manifest, newest=MODEL_VERSION)
        stored: dict[str, Any] = manifest.config
        try:
            config = CAKTConfig(**stored["config"])
            skills = np.array(stored["skills"], dtype=np.str_)
            network = CAKTNetwork(len(skills), config)
            arrays = load_file(artifact.path(_WEIGHTS))
            network.load_state_dict({key: torch.from_numpy(one) for key, one in arrays.items()})
            base = None
            if config.base:
                base = FittedLogistic.from_arrays(
                    config.base,
                    artifact.arrays(_BASE),
                    features=features_from(stored["base_features"]),
                    time_unit=stored["time_unit"],
                )
            return cls(
                manifest.name,
                network,
                skills,
                base=base,
                temperature=float(stored["temperature"]),
                config=config,
                time_unit=stored["time_unit"],
                validation_misses=stored.get("validation_misses", ()),
            )
        except (ConfigError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ArtifactError(
                f"{directory} is no {manifest.name} of this version: {error}"
            ) from error

    def _answer(self, asked: Sequence[Asked], *, at: float) -> F:
        bases = self._base_log_odds(asked, at=at)
        queries = [
            Query(state, skills, float(base))
            for (state, skills, _), base in zip(asked, bases, strict=True)
        ]
        return self._online.answer(queries, temperature=self.temperature)

    def _base_log_odds(self, asked: Sequence[Asked], *, at: float) -> F:
        """Return what the base model gives each; before its last answer nobody is asked."""
        found = np.zeros(len(asked))
        if self._trace is None:
            return found
        of_state: dict[int, list[int]] = {}
        for number, (state, _, _) in enumerate(asked):
            of_state.setdefault(id(state), []).append(number)
        for numbers in of_state.values():
            state = asked[numbers[0]][0]
            found[numbers] = self._trace.logits(
                state.trace, [asked[number][1:] for number in numbers], at=max(at, state.last_at)
            )
        return clipped(found)

    def _begun(self, state: CAKTState) -> CAKTState:
        """Return the state as the next response finds it: empty at the start of a fold."""
        fold = self.config.predict_fold
        return without_memory(state) if fold is not None and state.n % fold == 0 else state
