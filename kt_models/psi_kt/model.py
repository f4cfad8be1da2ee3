"""The generative model in Pyro: priors over the population, knowledge integrated out by the filter.

Scalars are unconstrained; POPULATION says what each is of. Given them, the graph and the offsets, a
learner's knowledge, level and traits are summed over by kt_models.psi_kt.torch_filter, whose log
likelihood enters as a factor.

Source: Zhou et al. (2024), section 3, the generative model; the collapse is ours.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pyro
import pyro.distributions as dist
import torch
from torch import Tensor
from torch.nn.functional import softplus

from kt_models.devices import tensor_like
from kt_models.psi_kt.config import PSIKTConfig
from kt_models.psi_kt.history import N_FEATURES, NAMES, SIGNALS
from kt_models.psi_kt.parameters import LEAST_DECAY, normal_points
from kt_models.psi_kt.torch_filter import Population

# Name, prior mean, prior standard deviation. Means of level and start are set by the data.
POPULATION: tuple[tuple[str, float, float], ...] = (
    ("decay", -2.0, 1.5),  # before softplus, 1/day
    ("log_decay_sd", 0.0, 0.4),
    ("volatility", -0.8, 1.0),  # before softplus
    ("log_volatility_sd", -0.6, 0.6),
    ("transfer", 0.0, 1.0),  # before sigmoid
    ("log_transfer_sd", 0.4, 0.2),  # so that transfer is about even over 0 to 1
    ("level", 0.0, 1.0),
    ("log_level_sd", -1.0, 0.4),
    ("start", 0.0, 1.0),
    ("log_start_sd", -0.4, 0.7),
    ("log_level_drift", -7.0, 1.5),  # variance per response
    ("logit_trait_drift", -7.0, 1.5),
    ("log_skill_sd", -1.4, 0.5),
    ("log_item_sd", -0.5, 1.0),
)
SCALARS = {name: place for place, (name, _, _) in enumerate(POPULATION)}
_EMBEDDING_SD = 0.6
# Of an edge's log odds under the embeddings' prior at d = 16, by 1,200 draws.
EDGE_PRIOR_SD = 2.3
_DIRECTION_SD = 0.4
# What counts of practice, and what the last answers, may weigh in small cohorts: with wider priors
# forecasts were too sure in open loop (docs/psi-kt.md).
_COEFFICIENT_SD = 0.15
_SIGNAL_SD = 0.03
# With a graph of authors, an edge that they left out is a priori drawn below one half.
_UNAUTHORED = 2.0


class Sizes(NamedTuple):
    """How much there is of what is learned."""

    n_skills: int
    n_items: int
    embedding: int


class Draw(NamedTuple):
    """One draw of everything shared: scalars, graph (parent, child), and the linear parts."""

    scalars: Tensor
    graph: Tensor
    skill_offset: Tensor
    item_offset: Tensor
    coefficients: Tensor


def population_of(
    scalars: Tensor, graph: Tensor, *, config: PSIKTConfig, n_points: int
) -> Population:
    """Turn unconstrained scalars and a graph into what the filter reads."""

    def value(name: str) -> Tensor:
        return scalars[SCALARS[name]]

    points = tensor_like(normal_points(n_points), scalars)
    decay = value("decay") + value("log_decay_sd").exp() * points[:, 0]
    volatility = value("volatility") + value("log_volatility_sd").exp() * points[:, 1]
    transfer = value("transfer") + value("log_transfer_sd").exp() * points[:, 2]
    alpha = softplus(decay) + LEAST_DECAY
    return Population(
        alpha=alpha,
        spread=softplus(volatility) ** 2 / (2.0 * alpha),
        gamma=torch.sigmoid(transfer),
        level_mean=value("level"),
        level_variance=(2.0 * value("log_level_sd")).exp(),
        start_mean=value("start"),
        start_variance=(2.0 * value("log_start_sd")).exp(),
        level_drift=value("log_level_drift").exp(),
        trait_drift=torch.sigmoid(value("logit_trait_drift")),
        share=shares_of(graph, config=config),
        starts_at_target=config.starts_at_target,
    )


def shares_of(graph: Tensor, *, config: PSIKTConfig) -> Tensor:
    """Return (K + 1, K) of each child's pull what each parent contributes; last, of no skill."""
    n_skills = len(graph)
    if config.transfer == "none":
        return graph.new_zeros(n_skills + 1, n_skills)
    by_child = graph.T
    if config.transfer == "skills":
        by_child = by_child / max(n_skills, 1)
    else:
        by_child = by_child / (1.0 + by_child.sum(1, keepdim=True))
    return torch.cat([by_child, by_child.new_zeros(1, n_skills)])


def graph_of(u: Tensor, direction: Tensor) -> Tensor:
    """Return a (parent, child) of embeddings (K, d) and M (d, d), zero on the diagonal.

    Source: Zhou et al. (2024): existence sigmoid(u_i . u_k) times direction
    sigmoid(u_i^T (M - M^T) u_k).
    """
    exists = torch.sigmoid(u @ u.T)
    points = torch.sigmoid(u @ (direction - direction.T) @ u.T)
    return exists * points * (1.0 - torch.eye(len(u), dtype=u.dtype, device=u.device))


def log_prior_of_authors(graph: Tensor, authored: Tensor, *, strength: float) -> Tensor:
    """Return the log density of Beta(strength, 2) on authored edges, Beta(1, 2) on the others."""
    graph = graph.clamp(1e-6, 1.0 - 1e-6)
    known = (strength - 1.0) * graph.log() + (_UNAUTHORED - 1.0) * torch.log1p(-graph)
    unknown = (_UNAUTHORED - 1.0) * torch.log1p(-graph)
    off_diagonal = 1.0 - torch.eye(len(graph), dtype=graph.dtype, device=graph.device)
    return ((authored * known + (1.0 - authored) * unknown) * off_diagonal).sum()


def normal_of(mean: Tensor, sd: Tensor | float) -> Any:
    """Return independent normals as one variable: pyro has no types."""
    make: Any = dist.Normal
    return make(mean, sd).to_event(mean.dim())


def draw_shared(
    sizes: Sizes, config: PSIKTConfig, centre: Tensor, *, authored: Tensor | None
) -> Draw:
    """Sample what all learners share; centre (2,) is the prior mean of level and start."""
    mean = centre.new_tensor([mean for _, mean, _ in POPULATION])
    mean[SCALARS["level"]] = centre[0]
    mean[SCALARS["start"]] = centre[1]
    scalar_sd = centre.new_tensor([sd for _, _, sd in POPULATION])
    scalars = _normal("scalars", mean, scalar_sd)
    n_skills, n_items, width = sizes
    graph = centre.new_zeros(n_skills, n_skills)
    if config.transfer != "none":
        u = _normal("embedding", centre.new_zeros(n_skills, width), _EMBEDDING_SD)
        direction = _normal("direction", centre.new_zeros(width, width), _DIRECTION_SD)
        graph = graph_of(u, direction)
        if authored is not None:
            prior = log_prior_of_authors(graph, authored, strength=config.authored_strength)
            pyro.factor("authored", prior)
    skill_offset, item_offset = centre.new_zeros(n_skills), centre.new_zeros(n_items)
    coefficients = centre.new_zeros(N_FEATURES)
    if config.skill_offsets:
        skill_sd = scalars[SCALARS["log_skill_sd"]].exp()
        skill_offset = _normal("skill_offset", skill_offset, skill_sd)
    if config.item_offsets and n_items:
        item_sd = scalars[SCALARS["log_item_sd"]].exp()
        item_offset = _normal("item_offset", item_offset, item_sd)
    if config.history:
        is_signal = centre.new_tensor([1.0 if name in SIGNALS else 0.0 for name in NAMES])
        sd = _COEFFICIENT_SD + is_signal * (_SIGNAL_SD - _COEFFICIENT_SD)
        coefficients = _normal("coefficients", coefficients, sd)
    return Draw(scalars, graph, skill_offset, item_offset, coefficients)


def model(
    log_likelihood: Callable[[Draw], Tensor],
    *,
    sizes: Sizes,
    config: PSIKTConfig,
    centre: Tensor,
    authored: Tensor | None,
    n_parts: int,
) -> None:
    """Sample the population, and weigh it by log_likelihood's (n,) of one of n_parts of the log."""
    draw = draw_shared(sizes, config, centre, authored=authored)
    found = log_likelihood(draw)
    # Every part counts for n_parts of its like, so that over an epoch each response counts alike.
    with pyro.poutine.scale(scale=float(n_parts)), pyro.plate("responses", len(found)):
        pyro.factor("answers", found)


def _normal(name: str, mean: Tensor, sd: Tensor | float) -> Tensor:
    value: Tensor = pyro.sample(name, normal_of(mean, sd))
    return value
