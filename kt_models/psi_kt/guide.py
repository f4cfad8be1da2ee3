"""The approximate posterior: points for scalars and embeddings, Gaussians for the linear parts.

Independent Gaussians over the embeddings were tried: products of them fall back on their prior at
zero whatever the graph, so edges get their intervals from the curvature at the point instead
(kt_models.psi_kt.fit).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyro
import pyro.distributions as dist
from numpy.typing import NDArray
from torch import Tensor

from kt_models.devices import tensor_like
from kt_models.psi_kt.config import PSIKTConfig
from kt_models.psi_kt.history import N_FEATURES
from kt_models.psi_kt.model import POPULATION, SCALARS, Sizes, normal_of

Variables = dict[str, Tensor]

# What one answer tells of an offset, about p (1 - p), and an offset's precision before any.
_INFORMATION = 0.2
_FIRST_PRECISION = 3.0
_FIRST_EMBEDDING = 0.4
_POINTS = ("embedding", "direction")


def first_variables(
    sizes: Sizes,
    config: PSIKTConfig,
    centre: Tensor,
    *,
    rng: np.random.Generator,
    counts: Mapping[str, NDArray[np.float64]],
    warm: Mapping[str, NDArray[np.float64]] | None = None,
) -> Variables:
    """Return the variables of the guide, at their start or at an earlier fit's where shapes agree.

    Names end in .loc and .log_scale; points have a .loc only. counts are answers by site: a guide
    that begins surer than they warrant drags the priors' spread down with it, a less sure one
    needs longer.
    """
    scalars = centre.new_tensor([mean for _, mean, _ in POPULATION])
    scalars[SCALARS["level"]], scalars[SCALARS["start"]] = centre[0], centre[1]
    found: Variables = {"scalars.loc": scalars}
    for name, shape, spread in _sites(sizes, config):
        noise = rng.normal(0.0, spread, shape) if spread else np.zeros(shape)
        found[f"{name}.loc"] = tensor_like(noise, centre)
        if name not in _POINTS:
            width = -0.5 * np.log(_FIRST_PRECISION + _INFORMATION * counts[name])
            found[f"{name}.log_scale"] = tensor_like(width, centre)
    for name, value in (warm or {}).items():
        if name in found and found[name].shape == value.shape:
            found[name] = tensor_like(value, centre)
    return {name: value.clone().requires_grad_() for name, value in found.items()}


def guide(variables: Variables) -> None:
    """Sample every site of the model from its Gaussian or at its point."""
    for name, value in variables.items():
        site, _, part = name.partition(".")
        if part != "loc":
            continue
        log_scale = variables.get(f"{site}.log_scale")
        if log_scale is None:
            point: Any = dist.Delta
            pyro.sample(site, point(value, event_dim=value.dim()))
        else:
            pyro.sample(site, normal_of(value, log_scale.exp()))


def _sites(sizes: Sizes, config: PSIKTConfig) -> list[tuple[str, tuple[int, ...], float]]:
    sites: list[tuple[str, tuple[int, ...], float]] = []
    if config.transfer != "none":
        sites.append(("embedding", (sizes.n_skills, sizes.embedding), _FIRST_EMBEDDING))
        sites.append(("direction", (sizes.embedding, sizes.embedding), _FIRST_EMBEDDING))
    if config.skill_offsets:
        sites.append(("skill_offset", (sizes.n_skills,), 0.0))
    if config.item_offsets and sizes.n_items:
        sites.append(("item_offset", (sizes.n_items,), 0.0))
    if config.history:
        sites.append(("coefficients", (N_FEATURES,), 0.0))
    return sites
