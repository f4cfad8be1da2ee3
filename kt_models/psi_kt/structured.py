"""The other way to learn: knowledge is sampled, not summed over, from a guide shaped like it.

Every answer's z has a variable of its own, Gaussian given the z of the skill's last answer, as in
the model; level and traits are Gaussian for each learner. Kept for the comparison with the
collapsed filter (docs/psi-kt.md), for logs that fit in memory, without transfer.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from numpy.typing import NDArray
from pyro.infer import Trace_ELBO
from torch import Tensor
from torch.nn.functional import softplus

from kt_models.errors import ConfigError, FitError
from kt_models.protocol import Progress
from kt_models.psi_kt.config import PSIKTConfig
from kt_models.psi_kt.guide import Variables, first_variables, guide
from kt_models.psi_kt.model import SCALARS, Draw, Sizes, draw_shared, normal_of
from kt_models.psi_kt.packing import Packed
from kt_models.psi_kt.parameters import LEAST_DECAY

I64 = NDArray[np.int64]

_LEAST_NOISE = 1e-4
_FIRST_LOG_SCALE = -0.7
_LOCAL_RATE = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """(m,) answers by skill: the response and learner of each, the entry of the skill's last one.

    previous is m for none; ranks lists the entries by how many came before them.
    """

    response: Tensor
    learner: Tensor
    previous: Tensor
    gap_days: Tensor
    is_new: Tensor
    share: Tensor
    skill: Tensor
    ranks: list[Tensor]
    n_learners: int


def entries_of(packed: Packed) -> Entries:
    """List the entries of a packed log."""
    n, _ = packed.skill.shape
    learner = np.empty(n, dtype=np.int64)
    for code, (begin, length) in enumerate(zip(packed.start, packed.length, strict=True)):
        learner[begin : begin + length] = code
    response, place = np.nonzero(packed.share > 0.0)
    skill = packed.skill[response, place]
    key = learner[response] * (len(packed.skills) + 1) + skill
    order = np.argsort(key, kind="stable")
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = np.diff(key[order]) != 0
    previous = np.full(len(order), len(order), dtype=np.int64)
    previous[order[1:]] = np.where(is_first[1:], len(order), order[:-1])
    begins = np.flatnonzero(is_first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order))))
    by_rank = [torch.as_tensor(np.flatnonzero(rank == one)) for one in range(int(rank.max()) + 1)]
    return Entries(
        response=torch.as_tensor(response),
        learner=torch.as_tensor(learner[response]),
        previous=torch.as_tensor(previous),
        gap_days=torch.as_tensor(packed.gap_days[response, place]).float(),
        is_new=torch.as_tensor(packed.is_new[response, place]),
        share=torch.as_tensor(packed.share[response, place]).float(),
        skill=torch.as_tensor(skill),
        ranks=by_rank,
        n_learners=len(packed.start),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Chains z = mean + carry times the last z + scale times noise, each (m,)."""

    entries: Entries
    mean: Tensor
    carry: Tensor
    scale: Tensor

    def draw(self) -> Tensor:
        """Sample all chains, rank by rank."""
        noise = self.mean + self.scale * torch.randn_like(self.mean)
        z = noise.new_zeros(len(noise) + 1)
        for rank in self.entries.ranks:
            new = noise[rank] + self.carry[rank] * z[self.entries.previous[rank]]
            z = z.index_put((rank,), new)
        return z[:-1]

    def log_density(self, z: Tensor) -> Tensor:
        """Return the log density of all chains together."""
        last = torch.cat([z, z.new_zeros(1)])[self.entries.previous]
        error = (z - self.mean - self.carry * last) / self.scale
        return (-0.5 * error**2 - self.scale.log() - 0.5 * math.log(2.0 * math.pi)).sum()


def fit_structured(
    packed: Packed, *, config: PSIKTConfig, seed: int, progress: Progress | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return the shared variables, fitted on the whole log at every step.

    Raises: ConfigError with transfer, FitError when the loss is not a number.
    """
    if config.transfer != "none":
        raise ConfigError("the structured guide has no transfer; set transfer to 'none'")
    from kt_models.psi_kt.fit import centre_of

    torch.manual_seed(seed)
    entries = entries_of(packed)
    centre = torch.tensor(centre_of(packed, config=config))
    sizes = Sizes(len(packed.skills), len(packed.items), config.embedding)
    rng = np.random.default_rng([seed, 1])
    variables = first_variables(sizes, config, centre, rng=rng, counts=packed.counts())
    local = _local_variables(entries, centre)
    optimizer = torch.optim.Adam(
        [
            {"params": list(variables.values()), "lr": config.learning_rate},
            {"params": list(local.values()), "lr": _LOCAL_RATE * config.learning_rate},
        ]
    )
    make: Any = Trace_ELBO
    elbo: Any = make()
    summed = {name: torch.zeros_like(one) for name, one in variables.items()}
    begin_sum = config.steps * 2 // 3
    for step in range(config.steps):
        loss = elbo.differentiable_loss(
            partial(_model, entries, packed, sizes, config, centre),
            partial(_guide, entries, variables, local),
        )
        if not math.isfinite(float(loss.detach())):
            raise FitError(f"PSI-KT: the loss is {float(loss.detach())} in step {step}")
        optimizer.zero_grad(set_to_none=True)
        (loss / packed.n_responses).backward()
        optimizer.step()
        if step >= begin_sum:
            for name, one in variables.items():
                summed[name] += one.detach()
        if progress is not None:
            progress((step + 1) / config.steps, f"PSI-KT, structured guide: step {step + 1}")
    n = max(config.steps - begin_sum, 1)
    return {name: (one / n).double().numpy() for name, one in summed.items()}


def _local_variables(entries: Entries, centre: Tensor) -> Variables:
    m, n = len(entries.response), entries.n_learners
    start = {
        "mean": torch.zeros(m),
        "carry": torch.where(entries.is_new, 0.0, 0.8),
        "scale": torch.full((m,), _FIRST_LOG_SCALE),
        "level": centre[0].expand(n).clone(),
        "level_scale": torch.full((n,), _FIRST_LOG_SCALE),
        "traits": torch.zeros(n, 2),
        "traits_scale": torch.full((n, 2), _FIRST_LOG_SCALE),
    }
    return {name: value.clone().requires_grad_() for name, value in start.items()}


def _model(
    entries: Entries, packed: Packed, sizes: Sizes, config: PSIKTConfig, centre: Tensor
) -> None:
    draw = draw_shared(sizes, config, centre, authored=None)

    def value(name: str) -> Tensor:
        return draw.scalars[SCALARS[name]]

    n = entries.n_learners
    level = pyro.sample("level", normal_of(value("level").expand(n), value("log_level_sd").exp()))
    traits = pyro.sample("traits", normal_of(torch.zeros(n, 2), 1.0))
    alpha = softplus(value("decay") + value("log_decay_sd").exp() * traits[:, 0]) + LEAST_DECAY
    sigma = softplus(value("volatility") + value("log_volatility_sd").exp() * traits[:, 1])
    at = entries.learner
    rate = alpha[at] * entries.gap_days
    stay, leave = torch.exp(-rate), -torch.expm1(-rate)
    noise = (sigma**2 / (2.0 * alpha))[at] * -torch.expm1(-2.0 * rate) + _LEAST_NOISE
    variance = (2.0 * value("log_start_sd")).exp()
    if config.starts_at_target:
        fresh_mean, fresh_variance = value("start") + level[at], variance.expand(len(at))
    else:
        fresh_mean = stay * value("start") + leave * level[at]
        fresh_variance = stay**2 * variance + noise
    paths = Paths(
        entries=entries,
        mean=torch.where(entries.is_new, fresh_mean, leave * level[at]),
        carry=torch.where(entries.is_new, torch.zeros_like(stay), stay),
        scale=torch.where(entries.is_new, fresh_variance, noise).sqrt(),
    )
    # The guide draws z and says how likely that was; here it counts by the model's own density.
    z = pyro.sample("z", _free(len(at)))
    pyro.factor("paths", paths.log_density(z))
    logit = torch.zeros(packed.n_responses).index_add(0, entries.response, entries.share * z)
    logit = logit + _offset(packed, entries, draw)
    right = torch.as_tensor(packed.sign > 0.0).float()
    pyro.factor("answers", -torch.nn.functional.binary_cross_entropy_with_logits(
        logit, right, reduction="sum"
    ))  # fmt: skip


def _offset(packed: Packed, entries: Entries, draw: Draw) -> Tensor:
    skill = draw.skill_offset[entries.skill]
    found = torch.zeros(packed.n_responses).index_add(0, entries.response, entries.share * skill)
    item_offset = torch.cat([draw.item_offset, draw.item_offset.new_zeros(1)])
    found = found + item_offset[torch.as_tensor(packed.item)]
    return found + torch.as_tensor(packed.values).float() @ draw.coefficients


def _guide(entries: Entries, variables: Variables, local: Variables) -> None:
    guide(variables)
    pyro.sample("level", normal_of(local["level"], local["level_scale"].exp()))
    pyro.sample("traits", normal_of(local["traits"], local["traits_scale"].exp()))
    paths = Paths(
        entries=entries,
        mean=local["mean"],
        carry=local["carry"],
        scale=local["scale"].exp(),
    )
    z = paths.draw()
    point: Any = dist.Delta
    pyro.sample("z", point(z, log_density=paths.log_density(z), event_dim=1))


def _free(size: int) -> Any:
    """Return a density of 1 everywhere: the model's own is a factor beside it."""
    make: Any = dist.ImproperUniform
    return make(dist.constraints.real_vector, (), (size,))
