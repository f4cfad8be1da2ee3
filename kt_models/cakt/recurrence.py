"""An LSTM over ragged sequences that spends nothing on padding and remembers little.

torch's own LSTM on a processor either computes every padded cell or, over packed sequences, keeps
a graph of a dozen small operations a step, which costs several times the arithmetic. Here one
autograd node holds the whole run, with the gradient written out; on a GPU cuDNN's packed LSTM does
the same work.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence


class RaggedLSTM(nn.Module):
    """One LSTM layer from the zero state over packed rows: by step, longest sequences first."""

    def __init__(self, n_inputs: int, n_hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_inputs, n_hidden)

    def forward(self, inputs: Tensor, batch_sizes: Tensor) -> Tensor:
        """Return (n, hidden) the output of every packed row; inputs (n, n_inputs)."""
        if inputs.is_cuda:
            found: Tensor = self.lstm(PackedSequence(inputs, batch_sizes))[0].data
            return found
        return self.from_gates(self.input_gates(inputs), batch_sizes)

    @property
    def bias(self) -> Tensor:
        """Return (4 * hidden,) both biases of the gates."""
        return cast(Tensor, self.lstm.bias_ih_l0) + cast(Tensor, self.lstm.bias_hh_l0)

    @property
    def recurrent_weight(self) -> Tensor:
        """Return (4 * hidden, hidden) what the state before adds to the gates."""
        return cast(Tensor, self.lstm.weight_hh_l0)

    def input_gates(self, inputs: Tensor, *, has_bias: bool = True) -> Tensor:
        """Return (n, 4 * hidden) what inputs add to the gates; linear in them without bias."""
        weight = cast(Tensor, self.lstm.weight_ih_l0)
        return nn.functional.linear(inputs, weight, self.bias if has_bias else None)

    def from_gates(self, gates: Tensor, batch_sizes: Tensor) -> Tensor:
        """Return (n, hidden) the outputs from input gates (n, 4 * hidden)."""
        found: Tensor = _Recurrence.apply(  # type: ignore[no-untyped-call]
            gates, self.recurrent_weight, batch_sizes.tolist()
        )
        return found

    def step(
        self, inputs: Tensor, h: Tensor, c: Tensor, *, told: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return h and c (n, hidden) one step after the states given; told adds to the gates.

        Where h and c have one row, every row of the inputs comes after that state.
        """
        gates = self.input_gates(inputs) + h @ self.recurrent_weight.T
        gates = gates if told is None else gates + told
        take, keep, new, show = gates.chunk(4, dim=1)
        after = torch.sigmoid(keep) * c + torch.sigmoid(take) * torch.tanh(new)
        return torch.sigmoid(show) * torch.tanh(after), after


class _Recurrence(torch.autograd.Function):
    """The recurrent half of an LSTM and its gradient by hand."""

    @staticmethod
    def forward(ctx: Any, gates: Tensor, weight: Tensor, sizes: list[int]) -> Tensor:
        hidden = weight.shape[1]
        acts = gates.clone()  # (n, 4 * hidden): take, keep, new, show, each after its curve
        cells, outputs = (gates.new_empty(len(gates), hidden) for _ in range(2))
        transposed = weight.T
        begin, before = 0, 0
        for number, size in enumerate(sizes):
            end = begin + size
            act, cell = acts[begin:end], cells[begin:end]
            if number:
                act.addmm_(outputs[before : before + size], transposed)
            act[:, : 2 * hidden].sigmoid_()
            act[:, 2 * hidden : 3 * hidden].tanh_()
            act[:, 3 * hidden :].sigmoid_()
            torch.mul(act[:, :hidden], act[:, 2 * hidden : 3 * hidden], out=cell)
            if number:
                cell.addcmul_(act[:, hidden : 2 * hidden], cells[before : before + size])
            torch.mul(act[:, 3 * hidden :], torch.tanh(cell), out=outputs[begin:end])
            begin, before = end, begin
        ctx.save_for_backward(acts, cells, outputs, weight)
        ctx.sizes = sizes
        return outputs

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        acts, cells, outputs, weight = ctx.saved_tensors
        sizes: list[int] = ctx.sizes
        total = torch.empty_like(acts)
        d_output = grads[0].clone()
        d_cell = torch.zeros_like(cells)
        end = len(acts)
        for number in range(len(sizes) - 1, -1, -1):
            begin = end - sizes[number]
            here = slice(begin, end)
            take, keep, new, show = acts[here].chunk(4, dim=1)
            d_take, d_keep, d_new, d_show = total[here].chunk(4, dim=1)
            curve = torch.tanh(cells[here])
            d_h, d_c = d_output[here], d_cell[here]
            d_c.addcmul_(d_h * show, 1.0 - curve * curve)
            torch.mul(d_h * curve, show * (1.0 - show), out=d_show)
            torch.mul(d_c * new, take * (1.0 - take), out=d_take)
            torch.mul(d_c * take, 1.0 - new * new, out=d_new)
            if number:
                size = sizes[number]
                before = slice(begin - sizes[number - 1], begin - sizes[number - 1] + size)
                torch.mul(d_c * cells[before], keep * (1.0 - keep), out=d_keep)
                torch.mul(d_c, keep, out=d_cell[before])
                d_output[before].addmm_(total[here], weight)
            else:
                d_keep.zero_()
            end = begin
        return total, _weight_gradient(total, outputs, sizes), None


def _weight_gradient(d_gates: Tensor, outputs: Tensor, sizes: list[int]) -> Tensor:
    """Return (4 * hidden, hidden), as one product over all steps but the first."""
    first = sizes[0]
    if len(d_gates) == first:
        return d_gates.new_zeros(d_gates.shape[1], outputs.shape[1])
    counts = torch.tensor(sizes)
    starts = torch.cumsum(counts, 0) - counts
    # Row j of step t follows row j of step t - 1.
    shift = torch.repeat_interleave(starts[1:] - starts[:-1], counts[1:])
    before = torch.arange(first, len(d_gates)) - shift
    return d_gates[first:].T @ outputs[before]
