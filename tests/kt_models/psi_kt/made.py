"""PSI-KT models with made-up parameters, drawn far apart so that any mix-up would show."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import TimeUnit
from kt_models.psi_kt.config import CONFIGS
from kt_models.psi_kt.history import N_FEATURES
from kt_models.psi_kt.parameters import PSIKTParameters, no_edges, strongest_parents


def made_parameters(
    name: str,
    skills: Sequence[str] | NDArray[np.str_],
    items: Sequence[str] | NDArray[np.str_] = (),
    *,
    time_unit: TimeUnit = "days",
    pull: float = 1.0,
    **config: Any,
) -> PSIKTParameters:
    """Return parameters with a dense random graph, pruned as the configuration says."""
    rng = np.random.default_rng(7)
    n = len(skills)
    share = rng.uniform(0.0, pull / max(n, 1), (n, n))
    np.fill_diagonal(share, 0.0)
    settings = replace(CONFIGS[name], **config)
    parents, kept, rest, rest_square = strongest_parents(share, settings.max_parents)
    is_rich = name == "psi_kt_extended"
    return PSIKTParameters(
        name=name,
        config=settings,
        time_unit=time_unit,
        skills=np.asarray(skills, dtype=np.str_),
        items=np.asarray(items, dtype=np.str_),
        trait_mean=np.array([-1.0, -0.5, 0.0]),
        trait_sd=np.array([0.8, 0.5, 1.0]),
        level_mean=0.2,
        level_variance=0.7,
        start_mean=-0.1,
        start_variance=0.9,
        level_drift=0.01,
        trait_drift=0.002,
        parents=parents,
        parent_share=kept,
        rest=rest,
        rest_square=rest_square,
        skill_offset=rng.normal(0.0, 0.3, n + 1) * is_rich,
        item_offset=rng.normal(0.0, 0.5, len(items)) * is_rich,
        coefficients=rng.normal(0.0, 0.2, N_FEATURES) * is_rich,
        skill_rate=rng.uniform(0.3, 0.8, n + 1),
        item_rate=rng.uniform(0.3, 0.8, len(items)),
        edges=no_edges(n),
        raw={},
    )
