"""Fit PSI-KT by stochastic variational inference through the filter.

Learners run side by side in groups of like length, steps in windows between which gradients are
cut, so memory is bounded whatever the log. Each window is one step of the optimiser, on its share
of the evidence lower bound; the last third of the steps is averaged.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from pyro.infer import Trace_ELBO
from torch import Tensor

from kt_models.devices import device_named, tensor_like
from kt_models.errors import FitError
from kt_models.networks.checkpoint import (
    Checkpoint,
    named,
    optimizer_load,
    optimizer_tensors,
    under,
)
from kt_models.protocol import Progress
from kt_models.psi_kt.config import PSIKTConfig
from kt_models.psi_kt.guide import first_variables, guide
from kt_models.psi_kt.model import Draw, Sizes, model, population_of
from kt_models.psi_kt.packing import Packed, Window, authored_matrix, groups_of, windows_of
from kt_models.psi_kt.torch_filter import (
    Memory,
    Population,
    Steps,
    begin,
    detached,
    filter_steps,
)
from kt_models.psi_kt.window_filter import Levels

Tell: TypeAlias = Callable[[float], None]
"""Called with the fraction of a pass over the log that is done."""

_LARGEST_GRADIENT = 10.0
_LAST_RATE = 0.1
_AVERAGED_FROM = 2.0 / 3.0
_KEPT_TIMES = 20


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The guide's variables, averaged, and the loss per response of every epoch."""

    variables: dict[str, NDArray[np.float64]]
    losses: tuple[float, ...]


def fit_variables(
    packed: Packed,
    *,
    config: PSIKTConfig,
    seed: int,
    warm: Mapping[str, NDArray[np.float64]] | None = None,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> Fit:
    """Fit; the same log, settings, seed and number of threads give the same variables.

    Raises: FitError when the loss is not a number, naming epoch, learners and steps; ConfigError
    for an authored edge between skills that the log does not have.
    """
    if config.inference == "structured":
        from kt_models.psi_kt.structured import fit_structured

        variables = fit_structured(packed, config=config, seed=seed, progress=progress)
        return Fit(variables=variables, losses=())
    training = Fitting(packed, config=config, seed=seed, warm=warm)
    begin_at = training.resume(checkpoint)
    # The pass for edges, which comes after, takes about as long as an epoch.
    n_passes = training.n_epochs + 1

    def tell(n_done: float, message: str) -> None:
        if progress is not None:
            progress(n_done / n_passes, f"PSI-KT: {message}")

    def teller(n_before: int, message: str) -> Tell:
        return lambda share: tell(n_before + share, message)

    for epoch in range(begin_at, training.n_epochs):
        which = f"epoch {epoch + 1} of {training.n_epochs}"
        loss = training.epoch(epoch, teller(epoch, which))
        is_kept = (epoch + 1) % max(training.n_epochs // _KEPT_TIMES, 1) == 0
        if checkpoint is not None and is_kept:
            training.keep(checkpoint, epoch + 1)
        tell(epoch + 1, f"{which}, loss {loss:.4f} a response")
    return training.result()


def centre_of(packed: Packed, *, config: PSIKTConfig) -> tuple[float, float]:
    """Return prior means of level and start: the log odds of the log's share right, shrunk."""
    right = float((packed.sign > 0).sum())
    level = math.log((right + 1.0) / (packed.n_responses - right + 1.0))
    return level, 0.0 if config.starts_at_target else level


class Fitting:
    """One fit: tensors of the log, variables, optimiser."""

    def __init__(
        self,
        packed: Packed,
        *,
        config: PSIKTConfig,
        seed: int,
        warm: Mapping[str, NDArray[np.float64]] | None,
    ) -> None:
        device, dtype = (
            device_named(config.device),
            torch.float64 if config.double else torch.float32,
        )
        self._packed, self._config, self._seed = packed, config, seed
        self._sizes = Sizes(len(packed.skills), len(packed.items), config.embedding)
        self._centre = torch.tensor(centre_of(packed, config=config), dtype=dtype, device=device)
        authored = authored_matrix(config, packed.skills)
        self._authored = None if authored is None else tensor_like(authored, self._centre)
        rng = np.random.default_rng([seed, 1])
        self.variables = first_variables(
            self._sizes, config, self._centre, rng=rng, counts=packed.counts(), warm=warm
        )
        self._optimizer = torch.optim.Adam(list(self.variables.values()), lr=config.learning_rate)
        self._columns = {
            "skill": torch.as_tensor(packed.skill, device=device),
            "share": tensor_like(packed.share, self._centre),
            "gap_days": tensor_like(packed.gap_days, self._centre),
            "is_new": torch.as_tensor(packed.is_new, device=device),
            "sign": tensor_like(packed.sign, self._centre),
            "item": torch.as_tensor(packed.item, device=device),
            "values": tensor_like(packed.values, self._centre),
        }
        self._groups = groups_of(packed, size=config.group)
        per_epoch = sum(
            math.ceil(int(packed.length[group][0]) / config.window) for group in self._groups
        )
        self._n_windows = per_epoch
        self.n_epochs = max(config.epochs, math.ceil(config.steps / per_epoch))
        self._n_steps = self.n_epochs * per_epoch
        self._summed = {name: torch.zeros_like(one) for name, one in self.variables.items()}
        self._n_summed = 0
        self._losses: list[float] = []
        make: Any = Trace_ELBO
        self._elbo: Any = make()

    def resume(self, checkpoint: Checkpoint | None) -> int:
        """Go on from what is kept; return the epoch to begin with."""
        kept = None if checkpoint is None else checkpoint.read()
        if kept is None:
            return 0
        tensors, facts = kept
        variables, summed = under("variables", tensors), under("summed", tensors)
        with torch.no_grad():
            for name, value in self.variables.items():
                value.copy_(variables[name])
                self._summed[name].copy_(summed[name])
        optimizer_load(self._optimizer, under("optimizer", tensors))
        self._n_summed, self._losses = facts["n_summed"], list(facts["losses"])
        return int(facts["n_epochs"])

    def keep(self, checkpoint: Checkpoint, n_epochs: int) -> None:
        """Write the fit as it stands."""
        checkpoint.write(
            named("variables", self.variables)
            | named("summed", self._summed)
            | named("optimizer", optimizer_tensors(self._optimizer)),
            {"n_summed": self._n_summed, "n_epochs": n_epochs, "losses": self._losses},
        )

    def epoch(self, epoch: int, tell: Tell | None = None) -> float:
        """Go through the log once, groups in random order; return the mean loss a response.

        A log of many windows tells between them how much of it is done.
        """
        # Seeded by the epoch, so that a resumed fit draws what the whole one would have drawn.
        order = np.random.default_rng([self._seed, 2, epoch]).permutation(len(self._groups))
        torch.manual_seed(self._seed * 1_000_003 + epoch)
        total, step = 0.0, epoch * self._n_windows
        for number in order.tolist():
            group = self._groups[number]
            memory: Memory | None = None
            carried: Levels | None = None
            for window in windows_of(self._packed, group, size=self._config.window):
                place = f"epoch {epoch}, learners {group.start} to {group.stop}, window {step}"
                loss, memory, carried = self._step(window, memory, carried, step, place)
                total += loss
                step += 1
                n_done = step - epoch * self._n_windows
                if tell is not None and n_done < self._n_windows:
                    tell(n_done / self._n_windows)
        self._losses.append(total / self._n_windows)
        return self._losses[-1]

    def result(self) -> Fit:
        """Return the averaged variables, and the graph's score and information by a last pass."""
        n = max(self._n_summed, 1)
        source = self._summed if self._n_summed else self.variables
        averaged = {name: one.detach() / n for name, one in source.items()}
        return Fit(
            variables={name: one.double().cpu().numpy() for name, one in averaged.items()},
            losses=tuple(self._losses),
        )

    def _memory(self, n_learners: int) -> Memory:
        points = self._config.fit_particles
        return Memory(n_learners, self._sizes.n_skills, points, like=self._centre)

    def _step(
        self,
        window: Window,
        memory: Memory | None,
        carried: Levels | None,
        step: int,
        place: str,
    ) -> tuple[float, Memory, Levels]:
        n_learners = len(window.rows[0])
        if memory is None:
            memory = self._memory(n_learners)
        run = _Run(self, window, memory, carried, place)
        rate = 1.0 - (1.0 - _LAST_RATE) * step / max(self._n_steps, 1)
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate * rate
        loss = self._elbo.differentiable_loss(
            partial(
                model,
                run.log_likelihood,
                sizes=self._sizes,
                config=self._config,
                centre=self._centre,
                authored=self._authored,
                n_parts=self._n_windows,
            ),
            partial(guide, self.variables),
        )
        loss = loss / self._packed.n_responses
        value = float(loss.detach())
        if not math.isfinite(value):
            raise FitError(f"PSI-KT: the loss is {value} in {place}; {self._culprit()}")
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parameters = list(self.variables.values())
        norm = float(torch.nn.utils.clip_grad_norm_(parameters, _LARGEST_GRADIENT))
        if not math.isfinite(norm):
            raise FitError(f"PSI-KT: a gradient is {norm} in {place}; {self._culprit()}")
        self._optimizer.step()
        if step >= _AVERAGED_FROM * self._n_steps:
            with torch.no_grad():
                for name, one in self.variables.items():
                    self._summed[name] += one
            self._n_summed += 1
        return value, memory, run.next_carried()

    def _culprit(self) -> str:
        for name, one in self.variables.items():
            for what, tensor in (("", one), ("gradient of ", one.grad)):
                if tensor is not None and not bool(torch.isfinite(tensor).all()):
                    return f"the {what}{name} is not finite"
        return "every variable is finite"

    def steps_of(self, window: Window, draw: Draw) -> Steps:
        """Return a window's responses with the linear part of each."""
        columns = self._columns
        skill_offset = torch.cat([draw.skill_offset, draw.skill_offset.new_zeros(1)])
        item_offset = torch.cat([draw.item_offset, draw.item_offset.new_zeros(1)])
        at = torch.as_tensor(window.padded(), device=self._centre.device)
        skill, share = columns["skill"][at], columns["share"][at]
        offset = (share * skill_offset[skill]).sum(-1) + item_offset[columns["item"][at]]
        return Steps(
            skill=skill,
            share=share,
            gap_days=columns["gap_days"][at],
            is_new=columns["is_new"][at],
            offset=offset + columns["values"][at] @ draw.coefficients,
            sign=columns["sign"][at],
            n_active=tuple(len(rows) for rows in window.rows),
        )

    def population(self, draw: Draw) -> Population:
        """Return what the filter reads of a draw."""
        return population_of(
            draw.scalars, draw.graph, config=self._config, n_points=self._config.fit_particles
        )


class _Run:
    """The filter over one window, as a function of a draw of the population."""

    def __init__(
        self,
        fitting: Fitting,
        window: Window,
        memory: Memory,
        carried: Levels | None,
        place: str,
    ) -> None:
        self._fitting, self._window, self._memory = fitting, window, memory
        self._place = place
        self._carried = carried
        self._next: Levels | None = None

    def log_likelihood(self, draw: Draw) -> Tensor:
        """Return (n,) the log likelihood of each response of the window."""
        population = self._fitting.population(draw)
        n_learners = len(self._window.rows[0])
        carried = self._carried
        if carried is None:
            carried = begin(population, n_learners)
        # Learners whose responses ended before this window are the last ones.
        carried = Levels(*(one[:n_learners] for one in carried))
        found, after = filter_steps(
            population,
            self._fitting.steps_of(self._window, draw),
            self._memory,
            carried,
            is_first=self._window.is_first,
        )
        self._next = detached(after)
        if not bool(torch.isfinite(found).all()):
            place = int((~torch.isfinite(found)).nonzero()[0, 0])
            row = int(np.concatenate(self._window.rows)[place])
            value = float(found[place].detach())
            raise FitError(
                f"PSI-KT: the log likelihood of response {row} is {value} in {self._place}"
            )
        return found

    def next_carried(self) -> Levels:
        """Return what the next window begins with."""
        if self._next is None:
            raise FitError("PSI-KT: a window was not filtered")
        return self._next
