"""CAKT for one learner at a time: what the network says from a state instead of a log.

Frames that have faded below single precision are left out, so that all skills that were not
practised lately share one window: of a hundred candidates it is mostly those of the last twenty
answers that pass the convolutions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log1p
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kt_models.arrays import lookup
from kt_models.baselines.solver import sigmoid
from kt_models.cakt.config import CAKTConfig
from kt_models.cakt.folded import FoldedConvolutions
from kt_models.cakt.network import CAKTNetwork
from kt_models.cakt.state import CAKTState, Frame
from kt_models.protocol import Observation

F = NDArray[np.float64]
Window: TypeAlias = tuple[Frame, ...]
"""Frames as (token, gap), oldest first; those that are not there or have faded are left out."""

# A frame scaled by less changes no forecast by more than its last bits.
_FADED = 2.0**-27


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
        self._largest_gap = _largest_gap(network) if config.decays else float("inf")
        self._convolve = None
        if network.convolutions is not None:
            self._convolve = FoldedConvolutions(network.convolutions)

    def answer(self, queries: Sequence[Query], *, temperature: float) -> F:
        """Return (n_queries,) P(correct): the mean over the skills of each."""
        if not queries:
            return np.empty(0)
        offsets, codes = self._asked(queries)
        with torch.inference_mode():
            fused = self._fused(queries, offsets)
            memory = _memory(queries)
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
        place_of: dict[Window, int] = {}
        of_entry = [
            place_of.setdefault(self._window(query.state, skill), len(place_of))
            for query in queries
            for skill in query.skills
        ]
        inputs = self.network.window_inputs(self._vectors(list(place_of)))
        return self.network.fuse(
            inputs,
            torch.tensor(of_entry),
            torch.from_numpy(offsets),
            _memory(queries)[:, 0],
            base=_bases(queries),
        )

    def _vectors(self, windows: Sequence[Window]) -> Tensor:
        """Return (u, width) what the convolutions make of different windows."""
        k = self.config.frames
        token = np.full((len(windows), k), 2 * len(self.skills), dtype=np.int64)
        gap = np.zeros((len(windows), k), dtype=np.float32)
        for row, window in enumerate(windows):
            for place, frame in enumerate(window, start=k - len(window)):
                token[row, place], gap[row, place] = frame
        frames = self.network.window_frames(torch.from_numpy(token), torch.from_numpy(gap))
        if self._convolve is None:
            return frames.mean(1).flatten(1)
        return self._convolve(frames)

    def _window(self, state: CAKTState, asked: str) -> Window:
        skill = state.previous if self.config.window == "current" else asked
        frames = state.frames.get(skill, ()) if skill is not None else ()
        if not frames or skill is None:
            return ()
        code, n_skills = self._codes[skill], len(self.skills)
        return tuple(
            (code + n_skills * answer, state.n - at)
            for at, answer in frames
            if state.n - at <= self._largest_gap
        )

    def _second_step(self, fused: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.second.step(fused, memory[:, 2], memory[:, 3])


def _largest_gap(network: CAKTNetwork) -> float:
    """Return after how many steps a frame has faded."""
    rate = log1p(exp(network.raw_decay.item()))
    return -log(_FADED) / rate if rate > 0.0 else float("inf")


def _memory(queries: Sequence[Query]) -> Tensor:
    """Return (n_queries, 4, width) memories, or (1, 4, width) where all are of one state."""
    first = queries[0].state
    if all(query.state is first for query in queries):
        return torch.from_numpy(first.memory[None])
    return torch.from_numpy(np.stack([query.state.memory for query in queries]))


def _bases(queries: Sequence[Query]) -> Tensor:
    return torch.tensor([query.base for query in queries], dtype=torch.float32)
