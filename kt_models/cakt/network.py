"""CAKT as a torch module over packed batches.

Source: Yang, Zhu, Lu (2020), "Deep Knowledge Tracing with Learning Curves", arXiv 2008.01169;
Frontiers in Psychology 14:1150329 (2023). Ours differ in this: a response with several skills is
one step (the mean of its embeddings goes in, the mean of its windows' vectors into the fusion);
the first response is forecast too, from the zero state and an empty window; unknown skills are
zeros. Equal windows of a batch pass the convolutions once and count as often as they occur.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from kt_models.cakt.config import CAKTConfig
from kt_models.cakt.convolution import WindowConvolutions
from kt_models.cakt.recurrence import RaggedLSTM


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Packed responses as tensors; n rows, nnz (row, skill) entries.

    token (nnz,) is the interaction of an entry, skill (nnz,) what it asks, offsets (n + 1,) the
    rows' entries, entry_row (nnz,) their rows; before (n,) the packed row before, -1 for none;
    sizes (n_steps,) on the processor. base and surprise (n,) are the log odds that the base model
    gives a row, and the answer minus their probability; without a base, 0 and the answer minus .5,
    which are not read.
    """

    token: Tensor
    skill: Tensor
    offsets: Tensor
    entry_row: Tensor
    before: Tensor
    sizes: Tensor
    base: Tensor
    surprise: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class WindowBatch:
    """The different windows of a batch: token and gap (u, k), count (u,), of_entry (nnz,)."""

    token: Tensor
    gap: Tensor
    count: Tensor
    of_entry: Tensor


class CAKTNetwork(nn.Module):
    """Interactions -> LSTM; windows -> convolutions; gates -> LSTM -> one logit an asked skill."""

    def __init__(self, n_skills: int, config: CAKTConfig) -> None:
        super().__init__()
        width = config.width
        self.n_skills = n_skills
        self.side = config.side
        self.decays, self.has_gates = config.decays, config.has_gates
        # Row 2 * n_skills, of no interaction and of an unknown skill, stays zero.
        self.embedding = nn.Embedding(2 * n_skills + 1, width, padding_idx=2 * n_skills)
        # softplus(raw) = 1 at the start.
        self.raw_decay = nn.Parameter(torch.tensor(1.0).expm1().log())
        self.convolutions: WindowConvolutions | None = None
        if config.convolves:
            self.convolutions = WindowConvolutions(
                config.channels, n_frames=config.frames, precision=config.precision
            )
        self.first = RaggedLSTM(width, width)
        self.second = RaggedLSTM(width, width)
        # Both gates at once, their two halves apart: that of the window is needed once a window.
        self.gate_of_window = nn.Linear(width, 2 * width)
        self.gate_of_state = nn.Linear(width, 2 * width, bias=False)
        self.output = nn.Embedding(n_skills, width)
        self.output_bias = nn.Embedding(n_skills, 1)
        self.dropout = nn.Dropout(config.dropout)
        self.base_inputs: nn.Linear | None = None
        if config.base:
            # What the base says of an answer, into the first LSTM; of what is asked, the second.
            self.base_inputs = nn.Linear(2, 4 * width, bias=False)
            self.base_asked = nn.Linear(1, width, bias=False)
            self.base_scale = nn.Parameter(torch.ones(()))
        self._reset(width)

    def forward(self, batch: Batch, windows: WindowBatch) -> Tensor:
        """Return (nnz,) the logit of every entry from earlier responses only."""
        vectors = self.window_vectors(windows.token, windows.gap, windows.count)
        return self._logits(batch, self.window_inputs(vectors), windows.of_entry)

    def logits(self, batch: Batch, vectors: Tensor) -> Tensor:
        """Return (nnz,) logits from the vector of each entry's window (nnz, width)."""
        own = torch.arange(len(vectors), device=vectors.device)
        return self._logits(batch, self.window_inputs(vectors), own)

    def _logits(self, batch: Batch, inputs: Tensor, of_entry: Tensor) -> Tensor:
        states = self.first_states(batch)
        state = self.dropout(states[batch.before])
        fused = self.fuse(inputs, of_entry, batch.offsets, state, base=batch.base)
        outputs = self.dropout(self.second(fused, batch.sizes))
        row = batch.entry_row
        return self.skill_logits(outputs[row], batch.skill, base=batch.base[row])

    def first_states(self, batch: Batch) -> Tensor:
        """Return (n + 1, width): the first LSTM's output at every row, and zeros in the last row.

        Row index -1 is that of zeros, as the state before a first response.
        """
        lstm = self.first
        if batch.token.is_cuda and self.base_inputs is None:
            inputs = self._mean_of_tokens(self.embedding.weight, batch.token, batch.offsets)
            states = lstm(inputs, batch.sizes)
        else:
            # The gates' product once for every kind of interaction instead of every response.
            table = lstm.input_gates(self.embedding.weight, has_bias=False)
            gates = self._mean_of_tokens(table, batch.token, batch.offsets)
            gates = gates + lstm.bias + self.told_gates(batch.base, batch.surprise)
            states = lstm.from_gates(gates, batch.sizes)
        return torch.cat([states, states.new_zeros(1, states.shape[1])])

    def window_vectors(self, token: Tensor, gap: Tensor, count: Tensor | None) -> Tensor:
        """Return (u, width) what the convolutions make of windows (u, k)."""
        frames = self.window_frames(token, gap)
        if self.convolutions is None:
            return frames.mean(1).flatten(1)
        found: Tensor = self.convolutions(frames, count)
        return found

    def window_frames(self, token: Tensor, gap: Tensor) -> Tensor:
        """Return (u, k, side, side) the pictures of windows (u, k), faded by their gaps."""
        frames: Tensor = self.embedding(token)  # (u, k, width)
        if self.decays:
            rate = functional.softplus(self.raw_decay)
            frames = frames * torch.exp(-rate * gap).unsqueeze(2)
        return frames.view(len(token), token.shape[1], self.side, self.side)

    def window_inputs(self, vectors: Tensor) -> Tensor:
        """Return (u, width or 3 * width): a window's vector, and its part in both gates."""
        if not self.has_gates:
            return vectors
        return torch.cat([vectors, self.gate_of_window(vectors)], dim=1)

    def told_gates(self, base: Tensor, surprise: Tensor) -> Tensor:
        """Return (n, 4 * width or 1) what the base's part in an answer adds to the first gates."""
        if self.base_inputs is None:
            return base.new_zeros(len(base), 1)
        found: Tensor = self.base_inputs(torch.stack([base, surprise], dim=1))
        return found

    def fuse(
        self, inputs: Tensor, of_entry: Tensor, offsets: Tensor, state: Tensor, *, base: Tensor
    ) -> Tensor:
        """Return (n, width) each row's windows fused with the state before it, (n or 1, width)."""
        if len(of_entry) == len(offsets) - 1:
            of_row = inputs[of_entry]
        else:
            of_row = functional.embedding_bag(of_entry, inputs, offsets[:-1], mode="mean")
        width = state.shape[1]
        if self.has_gates:
            gates = torch.sigmoid(of_row[:, width:] + self.gate_of_state(state))
            fused = gates[:, :width] * of_row[:, :width] + gates[:, width:] * state
        else:
            fused = of_row + state
        if self.base_inputs is not None:
            fused = fused + self.base_asked(base.unsqueeze(1))
        return fused

    def skill_logits(self, outputs: Tensor, skill: Tensor, *, base: Tensor) -> Tensor:
        """Return (nnz,) the logit of a skill (nnz,) from the second LSTM's output (nnz, width)."""
        known = skill.clamp(max=self.n_skills - 1)
        weight, bias = self.output(known), self.output_bias(known).squeeze(1)
        is_unknown = skill >= self.n_skills
        if bool(is_unknown.any()):
            weight = torch.where(is_unknown[:, None], self.output.weight.mean(0), weight)
            bias = torch.where(is_unknown, self.output_bias.weight.mean(), bias)
        found: Tensor = (outputs * weight).sum(1) + bias
        return found if self.base_inputs is None else found + self.base_scale * base

    def _mean_of_tokens(self, table: Tensor, token: Tensor, offsets: Tensor) -> Tensor:
        if len(token) == len(offsets) - 1:
            # A row of no known skill is zero: the last row of the table of embeddings is.
            return table[token]
        padding = 2 * self.n_skills
        return functional.embedding_bag(
            token, table, offsets[:-1], mode="mean", padding_idx=padding
        )

    def _reset(self, width: int) -> None:
        """Draw embeddings small enough that the first gates are within their curves."""
        nn.init.normal_(self.embedding.weight, std=0.3)
        nn.init.uniform_(self.output.weight, -(width**-0.5), width**-0.5)
        nn.init.zeros_(self.output_bias.weight)
        with torch.no_grad():
            self.embedding.weight[2 * self.n_skills] = 0.0
