"""PSI-KT as a tracer: fit on a log, from scratch or from an earlier fit."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, lookup
from kt_models.errors import ConfigError, DataError
from kt_models.protocol import Progress
from kt_models.psi_kt.config import CONFIGS, PSIKTConfig
from kt_models.psi_kt.evidence import edge_evidence
from kt_models.psi_kt.filter import FittedPSIKT
from kt_models.psi_kt.gains import edge_gains
from kt_models.psi_kt.graph import pulls_of
from kt_models.psi_kt.history import N_FEATURES
from kt_models.psi_kt.parameters import Edges, PSIKTParameters, no_edges, strongest_parents
from kt_models.psi_kt.returns import return_map_of
from kt_models.psi_kt.transfers import EdgePosterior, edge_posterior, share_likelihood

if TYPE_CHECKING:
    from kt_models.psi_kt.fit import Fit
    from kt_models.psi_kt.packing import Packed

F = NDArray[np.float64]

# Names of variables whose rows are skills or items: a refit finds them by id.
_BY_SKILL = ("embedding", "skill_offset")


class PSIKTTracer:
    """PSI-KT, to be fitted; start is an earlier fit whose values the new one begins with."""

    def __init__(
        self, name: str, *, config: PSIKTConfig | None = None, start: FittedPSIKT | None = None
    ) -> None:
        if name not in CONFIGS:
            raise ConfigError(f"name is '{name}', expected one of {', '.join(CONFIGS)}")
        self.name = name
        self.config = config or CONFIGS[name]
        self.start = start

    def fit(
        self,
        data: ResponseArrays,
        *,
        seed: int,
        validation: ResponseArrays | None = None,
        progress: Progress | None = None,
        checkpoint: Path | None = None,
    ) -> FittedPSIKT:
        """Fit on responses; nothing is chosen on held-out data, so validation is not read.

        Raises: DataError for no responses or an index log without unit_steps, ConfigError for an
        authored edge between unknown skills, FitError when the loss is not a number.
        """
        import torch

        from kt_models.networks.checkpoint import Checkpoint
        from kt_models.psi_kt.fit import fit_variables
        from kt_models.psi_kt.packing import pack

        if not data.n_responses:
            raise DataError("there are no responses to fit on; expected at least one")
        merged = data.merged().data
        packed = pack(merged, unit_steps=self.config.unit_steps)
        warm = None if self.start is None else _warm(self.start, packed.skills, packed.items)
        begun = b"" if warm is None else b"".join(warm[name].tobytes() for name in sorted(warm))
        with torch.random.fork_rng(devices=[]):
            fit = fit_variables(
                packed,
                config=self.config,
                seed=seed,
                warm=warm,
                progress=progress,
                checkpoint=Checkpoint.of(checkpoint, merged, self.config, seed, warm=begun),
            )

        def tell(share: float) -> None:
            if progress is not None:
                n = len(fit.losses)
                progress((n + share) / (n + 1), "PSI-KT: edges")

        parameters = _parameters(self.name, self.config, merged, packed, fit, tell=tell)
        returning = return_map_of(parameters, pulls_of(parameters), merged, seed=seed)
        return FittedPSIKT(replace(parameters, returning=returning))


def _warm(start: FittedPSIKT, skills: NDArray[np.str_], items: NDArray[np.str_]) -> dict[str, F]:
    """Bring an earlier fit's variables to the new skills and items; unknown ones begin at 0."""
    earlier = start.parameters
    found: dict[str, F] = {}
    for name, value in earlier.raw.items():
        site = name.partition(".")[0]
        if site in _BY_SKILL:
            found[name] = _moved(value, lookup(earlier.skills, skills))
        elif site == "item_offset":
            found[name] = _moved(value, lookup(earlier.items, items))
        else:
            found[name] = np.asarray(value, dtype=np.float64)
    return found


def _moved(value: NDArray[Any], code: NDArray[np.int32]) -> F:
    fill = value.mean(axis=0, keepdims=True) if len(value) else np.zeros((1, *value.shape[1:]))
    return np.asarray(np.concatenate([value, fill])[code], dtype=np.float64)


def _parameters(
    name: str,
    config: PSIKTConfig,
    data: ResponseArrays,
    packed: "Packed",
    fit: "Fit",
    *,
    tell: Callable[[float], None],
) -> PSIKTParameters:
    import torch

    from kt_models.psi_kt.model import SCALARS, graph_of, population_of

    skills, items, rates, variables = packed.skills, packed.items, packed.rates, fit.variables
    n_skills = len(skills)
    graph = np.zeros((n_skills, n_skills))
    if config.transfer != "none":
        u, direction = (
            torch.as_tensor(variables[f"{site}.loc"]) for site in ("embedding", "direction")
        )
        graph = graph_of(u, direction).numpy()
    scalars = torch.as_tensor(variables["scalars.loc"])
    population = population_of(scalars, torch.as_tensor(graph), config=config, n_points=1)
    share = population.share.numpy()[:-1].T
    parents, kept, rest, rest_square = strongest_parents(share, config.max_parents)

    def value(scalar: str) -> float:
        return float(scalars[SCALARS[scalar]])

    skill_offset = variables.get("skill_offset.loc", np.zeros(n_skills))
    item_offset = variables.get("item_offset.loc", np.zeros(len(items)))
    parameters = PSIKTParameters(
        name=name,
        config=config,
        time_unit=data.time_unit,
        skills=skills,
        items=items,
        trait_mean=np.array([value("decay"), value("volatility"), value("transfer")]),
        trait_sd=np.exp(
            [value("log_decay_sd"), value("log_volatility_sd"), value("log_transfer_sd")]
        ),
        level_mean=float(population.level_mean),
        level_variance=float(population.level_variance),
        start_mean=float(population.start_mean),
        start_variance=float(population.start_variance),
        level_drift=float(population.level_drift),
        trait_drift=float(population.trait_drift),
        parents=parents,
        parent_share=kept,
        rest=rest,
        rest_square=rest_square,
        skill_offset=np.append(skill_offset, 0.0),
        item_offset=item_offset,
        coefficients=variables.get("coefficients.loc", np.zeros(N_FEATURES)),
        skill_rate=np.append(rates.skill[lookup(rates.skills, skills)], rates.skill[-1]),
        item_rate=rates.item[lookup(rates.items, items)],
        edges=no_edges(n_skills),
        raw={one: np.asarray(array) for one, array in variables.items()},
    )
    return _with_edges(parameters, graph, data, tell=tell)


def _with_edges(
    parameters: PSIKTParameters,
    graph: F,
    data: ResponseArrays,
    *,
    tell: Callable[[float], None],
) -> PSIKTParameters:
    """Return the parameters with each edge's posterior and the counts behind it.

    Embeddings pull edges that the data barely tells apart to one value, so pages show a posterior
    of each edge on its own around them; the filter uses the fitted graph.
    """
    from kt_models.psi_kt.model import EDGE_PRIOR_SD

    counts: Any = edge_evidence(data, parameters.skills) | edge_gains(data, parameters.skills)
    if parameters.config.transfer == "none":
        tell(1.0)
        return replace(parameters, edges=replace(parameters.edges, **counts))
    likelihood = share_likelihood(parameters, pulls_of(parameters), data, tell=tell)
    found = edge_posterior(graph, likelihood, config=parameters.config, prior_sd=EDGE_PRIOR_SD)
    posterior: Any = {
        one.name: getattr(found, one.name).astype(np.float32) for one in fields(EdgePosterior)
    }
    return replace(parameters, edges=Edges(**posterior, **counts))
