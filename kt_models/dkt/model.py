"""DKT as a tracer: fit and batch prediction by torch, one answer at a time by numpy."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, TimeUnit, lookup
from kt_models.artifacts import (
    check_model_version,
    read_artifact,
    safetensors_writer,
    write_artifact,
)
from kt_models.baselines.solver import sigmoid
from kt_models.dkt.config import DKTConfig
from kt_models.dkt.state import DKTState, dump_state, load_state
from kt_models.errors import DataError
from kt_models.evaluate.slices import fuse_mean
from kt_models.networks.sequences import sequences_of, tokens_of
from kt_models.online import check_observation, counted_beliefs, seen_after
from kt_models.protocol import Beliefs, Observation, Progress

F = NDArray[np.float64]

NAME = "dkt"
MODEL_VERSION = 1
_WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class DKTWeights:
    """The network's numbers as float32 arrays, by the names that torch gives them."""

    arrays: dict[str, NDArray[np.float32]]

    @property
    def hidden(self) -> int:
        """Return the width of the recurrent state."""
        return int(self.arrays["lstm.weight_hh_l0"].shape[1])


class DKTTracer:
    """Deep knowledge tracing, to be fitted."""

    name = NAME

    def __init__(self, *, config: DKTConfig | None = None) -> None:
        self.config = config or DKTConfig()

    def fit(
        self,
        data: ResponseArrays,
        *,
        seed: int,
        validation: ResponseArrays | None = None,
        progress: Progress | None = None,
        checkpoint: Path | None = None,
    ) -> "FittedDKT":
        """Fit on responses; the epoch is chosen on validation, else on a tenth of the learners.

        Raises: DataError when there is too little data, FitError when the loss is not a number.
        """
        from kt_models.dkt.fit import fit_network

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
        arrays = {
            key: value.detach().cpu().numpy().astype(np.float32)
            for key, value in fitted.network.state_dict().items()
        }
        return FittedDKT(
            DKTWeights(arrays=arrays),
            fitted.skills,
            temperature=fitted.temperature,
            config=self.config,
            time_unit=data.time_unit,
        )


class FittedDKT:
    """A fitted DKT. It reads no times: a forecast is the same now and in a month."""

    name = NAME

    def __init__(
        self,
        weights: DKTWeights,
        skills: NDArray[np.str_],
        *,
        temperature: float,
        config: DKTConfig,
        time_unit: TimeUnit,
    ) -> None:
        self.weights = weights
        self.skills = skills
        self.temperature = temperature
        self.config = config
        self.time_unit = time_unit
        self._codes = {str(skill): code for code, skill in enumerate(skills)}
        arrays = weights.arrays
        self._output = np.vstack(
            [arrays["output.weight"], arrays["output.weight"].mean(0, keepdims=True)]
        ).astype(np.float64)
        bias = arrays["bias.weight"][:, 0]
        self._bias = np.append(bias, bias.mean()).astype(np.float64)
        # Input gates of every token at once: the online step is then one product with the state.
        self._gates = arrays["embedding.weight"].astype(np.float64) @ arrays[
            "lstm.weight_ih_l0"
        ].T.astype(np.float64)
        self._gate_bias = (arrays["lstm.bias_ih_l0"] + arrays["lstm.bias_hh_l0"]).astype(np.float64)
        self._recurrent = arrays["lstm.weight_hh_l0"].T.astype(np.float64)

    def init_state(self) -> DKTState:
        """Return the state of a learner who has answered nothing."""
        hidden = self.weights.hidden
        return DKTState(
            h=np.zeros(hidden, dtype=np.float32),
            c=np.zeros(hidden, dtype=np.float32),
            n=0,
            last_at=float("-inf"),
            seen={},
        )

    def update(self, state: DKTState, observation: Observation) -> DKTState:
        """Return the state after one response: one step of the recurrence.

        Raises: DataError for no skills, a skill named twice, or time going backwards.
        """
        check_observation(observation, last_at=state.last_at)
        fold = self.config.predict_fold
        is_fresh = fold is not None and state.n % fold == 0
        h = np.zeros_like(state.h) if is_fresh else state.h
        c = np.zeros_like(state.c) if is_fresh else state.c
        n_skills = len(self.skills)
        known = [self._codes[skill] for skill in observation.skills if skill in self._codes]
        inputs = np.zeros(self._gates.shape[1])
        if known:
            shift = n_skills if observation.is_correct else 0
            inputs = self._gates[[code + shift for code in known]].mean(0)
        gates = inputs + self._gate_bias + h @ self._recurrent
        take, keep, new, show = np.split(gates, 4)
        cell = sigmoid(keep) * c + sigmoid(take) * np.tanh(new)
        return DKTState(
            h=(sigmoid(show) * np.tanh(cell)).astype(np.float32),
            c=cell.astype(np.float32),
            n=state.n + 1,
            last_at=observation.at,
            seen=seen_after(state.seen, observation),
        )

    def predict_next(
        self, state: DKTState, skills: Sequence[str], *, item: str | None, at: float
    ) -> float:
        """Return P(correct) of the next response: the mean over its skills."""
        del item, at  # the network reads neither
        return float(self._p_correct([state], skills)[0].mean())

    def forecast(self, state: DKTState, skills: Sequence[str], *, at: float) -> Beliefs:
        """Return (n_skills,) beliefs; mastery is P(correct), for want of a latent one."""
        return self.forecast_many([state], skills, at=at).of_learner(0)

    def forecast_many(
        self, states: Sequence[DKTState], skills: Sequence[str], *, at: float
    ) -> Beliefs:
        """Return (n_learners, n_skills) beliefs."""
        if not isfinite(at):
            raise DataError(f"at is {at}, expected a finite time")
        p_correct = self._p_correct(states, skills)
        return counted_beliefs(p_correct, [state.seen for state in states], skills)

    def predict(self, data: ResponseArrays) -> F:
        """Return (n,) P(correct), the mean over a response's skills, from earlier responses only.

        Histories are read whole, or in runs of config.predict_fold without memory between them.
        """
        if not data.n_responses:
            return np.empty(0)
        from kt_models.dkt.fit import network_of, predict_entry_logits

        merged = data.merged()
        tokens = tokens_of(merged.data, self.skills)
        sequences = sequences_of(merged.data, fold=self.config.predict_fold)
        network = network_of(self.weights.arrays)
        logits = predict_entry_logits(network, sequences, tokens)
        p = sigmoid(logits / self.temperature)
        return fuse_mean(p, tokens.indptr)[merged.response]

    def dump_state(self, state: DKTState) -> bytes:
        """Return a versioned blob of the state."""
        return dump_state(state)

    def load_state(self, blob: bytes) -> DKTState:
        """Return the state of a blob. Raises: StateError."""
        return load_state(blob, hidden=self.weights.hidden)

    def save(self, directory: Path, *, created_at: datetime | None = None) -> None:
        """Write a new artifact. Raises: ArtifactError."""
        write_artifact(
            directory,
            name=NAME,
            model_version=MODEL_VERSION,
            config={
                "config": asdict(self.config),
                "skills": self.skills.tolist(),
                "temperature": self.temperature,
                "time_unit": self.time_unit,
            },
            writers={_WEIGHTS: safetensors_writer(self.weights.arrays)},
            created_at=created_at,
        )

    @classmethod
    def load(cls, directory: Path) -> "FittedDKT":
        """Read what save wrote. Raises: ArtifactError."""
        from safetensors.numpy import load_file

        artifact = read_artifact(directory, name=NAME)
        check_model_version(artifact.manifest, newest=MODEL_VERSION)
        stored = artifact.manifest.config
        return cls(
            DKTWeights(arrays=load_file(artifact.path(_WEIGHTS))),
            np.array(stored["skills"], dtype=np.str_),
            temperature=float(stored["temperature"]),
            config=DKTConfig(**stored["config"]),
            time_unit=stored["time_unit"],
        )

    def _p_correct(self, states: Sequence[DKTState], skills: Sequence[str]) -> F:
        codes = lookup(self.skills, np.asarray(skills, dtype=np.str_))
        fold = self.config.predict_fold
        h = np.array(
            [
                np.zeros_like(state.h) if fold is not None and state.n % fold == 0 else state.h
                for state in states
            ],
            dtype=np.float64,
        ).reshape(len(states), self.weights.hidden)
        logits = h @ self._output[codes].T + self._bias[codes]
        return sigmoid(logits / self.temperature)
