"""Deep knowledge tracing as a torch module over batches of sequences.

Source: Piech et al. (2015), "Deep Knowledge Tracing". Ours differ in this: the input is a learned
embedding (as their compressed one-hot, but trained); a response with several skills is one step
whose input is the mean of its embeddings; the forecast before the first response comes from the
zero state instead of being left out.
"""

import torch
from torch import Tensor, nn


class DKTNetwork(nn.Module):
    """Embedding -> LSTM -> one logit per skill, computed for the asked skills only."""

    def __init__(self, n_skills: int, *, embedding: int, hidden: int, dropout: float) -> None:
        """Make a network; token 2 * n_skills, of an unknown skill, is a row of zeros."""
        super().__init__()
        self.n_skills = n_skills
        self.embedding = nn.EmbeddingBag(
            2 * n_skills + 1, embedding, mode="mean", padding_idx=2 * n_skills
        )
        self.lstm = nn.LSTM(embedding, hidden)
        self.dropout = nn.Dropout(dropout)
        # The row of an unknown skill is the mean of all rows, so it needs none of its own.
        self.output = nn.Embedding(n_skills, hidden)
        self.bias = nn.Embedding(n_skills, 1)
        nn.init.uniform_(self.output.weight, -(hidden**-0.5), hidden**-0.5)
        nn.init.zeros_(self.bias.weight)

    def states(
        self, tokens: Tensor, offsets: Tensor, cell: Tensor, *, n_steps: int, n_sequences: int
    ) -> Tensor:
        """Return (n_steps * n_sequences + 1, hidden): the state after each cell, then zeros.

        tokens (nnz,) in [0, 2 * n_skills], offsets (n + 1,), cell (n,). The cells are laid out in
        full because torch's ragged form costs time quadratic in the number of steps to train.
        """
        inputs = self.embedding(tokens, offsets[:-1])  # (n, embedding)
        laid_out = inputs.new_zeros(n_steps * n_sequences, inputs.shape[1])
        laid_out = laid_out.index_copy(0, cell, inputs)
        after = self.lstm(laid_out.view(n_steps, n_sequences, -1))[0]  # (steps, sequences, hidden)
        after = after.reshape(n_steps * n_sequences, -1)
        return torch.cat([after, after.new_zeros(1, after.shape[1])])

    def logits(self, states: Tensor, skills: Tensor) -> Tensor:
        """Return (nnz,) the logit of each asked skill given its state (nnz, hidden)."""
        known = skills.clamp(max=self.n_skills - 1)
        weight, bias = self.output(known), self.bias(known).squeeze(1)
        is_unknown = skills >= self.n_skills
        if bool(is_unknown.any()):
            weight = torch.where(is_unknown[:, None], self.output.weight.mean(0), weight)
            bias = torch.where(is_unknown, self.bias.weight.mean(), bias)
        found: Tensor = (self.dropout(states) * weight).sum(1) + bias
        return found
