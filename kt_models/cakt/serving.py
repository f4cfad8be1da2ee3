"""CAKT for one learner at a time: what the network says from a state instead of a log."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kt_models.arrays import lookup
from kt_models.baselines.solver import sigmoid
from kt_models.cakt.config import CAKTConfig
from kt_models.cakt.network import CAKTNetwork
from kt_models.cakt.state import CAKTState, Frame
from kt_models.protocol import Observation

F = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Query:
    """A next response whose outcome is asked for; base is the base model's log odds of it."""

    state: CAKTState
    skills: tuple[str, ...]
    base: float = 0.0


class OnlineNetwork:
    """A trained network in evaluation mode with the skills it knows."""

    def __init__(
        self, network: CAKTNetwork, skills: NDArray[np.str_], *, config: CAKTConfig
    ) -> None:
        self.network = network.eval()
        self.skills = skills
        self.config = config
        self._codes = {str(skill): code for code, skill in enumerate(skills)}

    def answer(self, queries: Sequence[Query], *, temperature: float) -> F:
        """Return (n_queries,) P(correct): the mean over the skills of each."""
        if not queries:
            return np.empty(0)
        offsets, codes = self._asked(queries)
        with torch.inference_mode():
            fused = self._fused(queries, offsets)
            memory = torch.from_numpy(np.stack([query.state.memory for query in queries]))
            h = self._second_step(fused, memory)[0]
            row = torch.from_numpy(np.repeat(np.arange(len(queries)), np.diff(offsets)))
            base = _bases(queries)[row]
            asked = torch.from_numpy(codes)
            logits = self.network.skill_logits(h[row], asked, base=base).double().numpy()
        p = sigmoid(logits / temperature)
        return np.asarray(np.add.reduceat(p, offsets[:-1]) / np.diff(offsets))

    def step(
        self, state: CAKTState, observation: Observation, *, base: float
    ) -> NDArray[np.float32]:
        """Return (4, width) the memory after a response: both recurrences one step on."""
        network = self.network
        query = Query(state=state, skills=observation.skills, base=base)
        known = [self._codes[skill] for skill in observation.skills if skill in self._codes]
        shift = len(self.skills) if observation.is_correct else 0
        with torch.inference_mode():
            offsets, _ = self._asked([query])
            memory = torch.from_numpy(state.memory[None])
            h, c = self._second_step(self._fused([query], offsets), memory)
            width = network.embedding.weight.shape[1]
            inputs = torch.zeros(1, width)
            if known:
                token = torch.tensor([code + shift for code in known])
                inputs = network.embedding(token).mean(0, keepdim=True)
            surprise = float(observation.is_correct) - float(sigmoid(np.array(base)))
            told = network.told_gates(torch.tensor([base]), torch.tensor([surprise]))
            first_h, first_c = network.first.step(inputs, memory[:, 0], memory[:, 1], told=told)
            return torch.stack([first_h[0], first_c[0], h[0], c[0]]).numpy()

    def frames_after(
        self, state: CAKTState, observation: Observation
    ) -> dict[str, tuple[Frame, ...]]:
        """Return the frames of every known skill after a response."""
        frames = dict(state.frames)
        frame = (state.n, int(observation.is_correct))
        for skill in observation.skills:
            if skill in self._codes:
                frames[skill] = (*frames.get(skill, ()), frame)[-self.config.frames :]
        return frames

    def _asked(self, queries: Sequence[Query]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        offsets = np.zeros(len(queries) + 1, dtype=np.int64)
        np.cumsum([len(query.skills) for query in queries], out=offsets[1:])
        names = np.array([skill for query in queries for skill in query.skills], dtype=np.str_)
        codes = lookup(self.skills, names).astype(np.int64)
        codes[codes < 0] = len(self.skills)
        return offsets, codes

    def _fused(self, queries: Sequence[Query], offsets: NDArray[np.int64]) -> Tensor:
        """Return (n_queries, width) the input of the second LSTM."""
        token, gap = self._windows(queries)
        both = np.ascontiguousarray(np.column_stack([token, gap]))
        different, of_entry = np.unique(both, axis=0, return_inverse=True)
        k = self.config.frames
        vectors = self.network.window_vectors(
            torch.from_numpy(different[:, :k].copy()),
            torch.from_numpy(different[:, k:].astype(np.float32)),
            None,
        )
        state = torch.from_numpy(np.stack([query.state.memory[0] for query in queries]))
        inputs = self.network.window_inputs(vectors)
        entry_window = torch.from_numpy(of_entry.reshape(-1))
        bases = _bases(queries)
        return self.network.fuse(inputs, entry_window, torch.from_numpy(offsets), state, base=bases)

    def _windows(self, queries: Sequence[Query]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return token and gap (nnz, k) of every asked skill."""
        k, n_skills = self.config.frames, len(self.skills)
        n = sum(len(query.skills) for query in queries)
        token = np.full((n, k), 2 * n_skills, dtype=np.int64)
        gap = np.zeros((n, k), dtype=np.int64)
        entry = 0
        for query in queries:
            state = query.state
            for asked in query.skills:
                skill = state.previous if self.config.window == "current" else asked
                frames = state.frames.get(skill, ()) if skill is not None else ()
                for place, (at, answer) in enumerate(frames, start=k - len(frames)):
                    token[entry, place] = self._codes[str(skill)] + n_skills * answer
                    gap[entry, place] = state.n - at
                entry += 1
        return token, gap

    def _second_step(self, fused: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.second.step(fused, memory[:, 2], memory[:, 3])


def _bases(queries: Sequence[Query]) -> Tensor:
    return torch.tensor([query.base for query in queries], dtype=torch.float32)
