"""Hold PSI-KT to a known truth: traits and edges of simulated learners; edges of a real log.

    OMP_NUM_THREADS=1 python benchmarks/psi_kt_recovery.py recovery --responses 50,200
    OMP_NUM_THREADS=1 python benchmarks/psi_kt_recovery.py edges --responses 50,200,800 --parents 3
    OMP_NUM_THREADS=1 python benchmarks/psi_kt_recovery.py authored --learners 3000 --responses 200
    OMP_NUM_THREADS=1 STEPWISE_DATA=../shared python benchmarks/psi_kt_recovery.py strongest

Times of fits are CPU seconds of one thread.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.evaluate.metrics import auc
from kt_models.protocol import Observation
from kt_models.psi_kt.config import CONFIGS
from kt_models.psi_kt.evidence import edge_evidence
from kt_models.psi_kt.filter import FittedPSIKT
from kt_models.psi_kt.forecast import verdict
from kt_models.psi_kt.model import EDGE_PRIOR_SD
from kt_models.psi_kt.state import PSIKTState
from kt_models.psi_kt.tracer import PSIKTTracer
from kt_models.psi_kt.transfers import edge_posterior, share_likelihood
from kt_models.registry import load_tracer
from kt_models.split import positions
from kt_models.synthetic_log import Simulated
from kt_models.synthetic_psi_kt import PSIKTTruth, simulate_psi_kt

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.psi_kt import EXTENDED, F, assist2017, graph_fitted, numbers  # noqa: E402

N_SKILLS = 30


def main() -> None:
    """Run the part that was asked for."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parts: dict[str, Callable[[argparse.Namespace], None]] = {
        "recovery": recovery,
        "edges": edges,
        "authored": authored,
        "strongest": strongest,
    }
    parser.add_argument("part", choices=tuple(parts))
    parser.add_argument("--responses", default="50")
    parser.add_argument("--learners", type=int, default=500)
    parser.add_argument("--parents", type=int, default=3)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--divisor", choices=("skills", "parents"), default="parents")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    parts[arguments.part](arguments)


def recovery(arguments: argparse.Namespace) -> None:
    """Fit on simulated learners; hold edges, and traits after ever more responses, to the truth."""
    n = arguments.learners
    sizes = {"n_learners": n, "n_skills": N_SKILLS, "n_parents": arguments.parents}
    first, *_ = lengths = numbers(arguments.responses)
    # Traits and edges are drawn before anything else: the same learners, however long the log.
    logs = {
        length: simulate_psi_kt(
            np.random.default_rng(1), **sizes, n_responses=length, divisor=arguments.divisor
        )
        for length in lengths
    }
    fitted, spent = _fitted(arguments, logs[first].data)
    weight, truth = fitted.parameters.edges.weight, logs[first].truth
    off = ~np.eye(N_SKILLS, dtype=np.bool_)
    found = auc((truth.edges[off] > 0).astype(np.int8), weight[off].astype(np.float64))
    print(
        f"{arguments.learners} learners x {first}, 30 skills, divided by {arguments.divisor}: fit "
        f"{spent:.0f} CPU s, AUROC of edges {found:.3f}",
        flush=True,
    )
    p = fitted.parameters
    print(f"  traits before transforms: mean {p.trait_mean.round(2)}, sd {p.trait_sd.round(2)}")
    for length, simulated in logs.items():
        print(f"  after {length} responses, 200 learners:")
        _show_traits(fitted, simulated.data, simulated.truth)


def edges(arguments: argparse.Namespace) -> None:
    """Tell true edges from others, by ever more answers, and knowing what parents truly know."""
    for length in numbers(arguments.responses):
        log = _simulated(arguments, length)
        truth, knowledge = log.truth, log.truth.knowledge
        assert knowledge is not None
        fitted, spent = _fitted_on_some(arguments, log.data)
        data = log.data.merged().data
        begin = time.process_time()
        graph = graph_fitted(fitted)
        off = ~np.eye(N_SKILLS, dtype=np.bool_)
        is_edge = (truth.edges[off] > 0.0).astype(np.int8)
        excess = knowledge - truth.level[data.learner][:, None]
        aurocs = []
        for known in (None, excess):
            likelihood = share_likelihood(fitted.parameters, fitted.pulls, data, excess=known)
            found = edge_posterior(
                graph, likelihood, config=fitted.parameters.config, prior_sd=EDGE_PRIOR_SD
            )
            aurocs.append(auc(is_edge, found.weight[off]))
        print(
            f"{arguments.learners} learners x {length}, {arguments.parents} parents: AUROC of the "
            f"fitted graph {auc(is_edge, graph[off]):.3f}, of edges' posterior {aurocs[0]:.3f}, "
            f"with the parents' true knowledge {aurocs[1]:.3f}; fit {spent:.0f} CPU s, two passes "
            f"{time.process_time() - begin:.0f}",
            flush=True,
        )


def authored(arguments: argparse.Namespace) -> None:
    """Give a graph of which a fifth is wrong as the prior; count what the answers say of it."""
    rng = np.random.default_rng(2)
    for length in numbers(arguments.responses):
        log = _simulated(arguments, length)
        right = np.argwhere(log.truth.edges > 0.0)
        wrong = np.argwhere(np.triu(log.truth.edges == 0.0, 1))
        n_wrong = len(right) // 5
        is_wrong = rng.permutation(np.arange(len(right)) < n_wrong)
        right[is_wrong] = rng.permutation(wrong)[:n_wrong]
        names = [str(skill) for skill in log.data.skills]
        pairs = tuple((names[parent], names[child]) for parent, child in right.tolist())
        fitted, _ = _fitted_on_some(arguments, log.data, authored=pairs)
        data = log.data.merged().data
        likelihood = share_likelihood(fitted.parameters, fitted.pulls, data)
        found = edge_posterior(
            graph_fitted(fitted),
            likelihood,
            config=fitted.parameters.config,
            prior_sd=EDGE_PRIOR_SD,
        )
        said = {"supports": [0, 0], "contradicts": [0, 0], "undecided": [0, 0]}
        for (parent, child), false in zip(right.tolist(), is_wrong.tolist(), strict=True):
            where = (parent, child)
            said[verdict(found.share[where], found.told[where], found.told_sd[where])][false] += 1
        shown = ", ".join(f"{what} {true} true and {false} wrong" for what, (true, false)
                          in said.items())  # fmt: skip
        print(
            f"{arguments.learners} learners x {length}, {arguments.parents} parents, {len(right)} "
            f"authored edges of which {n_wrong} are wrong: the data {shown}",
            flush=True,
        )


def strongest(arguments: argparse.Namespace) -> None:
    """Show the ten edges of ASSISTments 2017 that its answers speak for most.

    The model is fitted on every learner's first answers, edges are judged by all of them.
    """
    data = assist2017().merged().data
    some = data.take(positions(data) < numbers(arguments.responses)[0])
    fitted = load_tracer(EXTENDED, steps=arguments.steps, epochs=1).fit(some, seed=0)
    assert isinstance(fitted, FittedPSIKT)
    likelihood = share_likelihood(fitted.parameters, fitted.pulls, data)
    graph, skills = graph_fitted(fitted), fitted.parameters.skills
    found = edge_posterior(
        graph, likelihood, config=fitted.parameters.config, prior_sd=EDGE_PRIOR_SD
    )
    counts = edge_evidence(data, skills)
    z = np.where(found.told_sd > 0.0, found.told / np.maximum(found.told_sd, 1e-12), 0.0)
    off = ~np.eye(len(skills), dtype=np.bool_)
    told, told_sd = found.told[off], found.told_sd[off]
    print(
        f"{len(skills)} skills, {off.sum():,} edges, {data.n_responses:,} answers; "
        f"{z[off].std():.2f} is the spread of estimate over error; above 3: {(z[off] > 3).sum()}, "
        f"below -3: {(z[off] < -3).sum()}; error {np.median(told_sd):.3f}, estimate "
        f"{np.median(told):.3f} (medians)"
    )
    for place in np.argsort(-np.where(off, z, -np.inf), axis=None)[:10].tolist():
        parent, child = where = divmod(place, len(skills))
        strong, weak = (
            counts[f"right_{side}"][where] / max(counts[f"n_{side}"][where], 1)
            for side in ("strong", "weak")
        )
        print(
            f"  {skills[parent]} -> {skills[child]}: weight {found.weight[where]:.2f} "
            f"({found.lower[where]:.2f}-{found.upper[where]:.2f}), share {found.told[where]:.2f} "
            f"+- {found.told_sd[where]:.2f}, {counts['n_learners'][where]} learners, right "
            f"{strong:.2f} after strong, {weak:.2f} after weak",
            flush=True,
        )


def _simulated(arguments: argparse.Namespace, length: int) -> Simulated[PSIKTTruth]:
    return simulate_psi_kt(
        np.random.default_rng(1),
        n_learners=arguments.learners,
        n_responses=length,
        n_skills=N_SKILLS,
        n_parents=arguments.parents,
        divisor=arguments.divisor,
        keeps_knowledge=True,
    )


def _fitted_on_some(
    arguments: argparse.Namespace, data: ResponseArrays, **changes: Any
) -> tuple[FittedPSIKT, float]:
    """Fit the population on the first 50 answers of 500 learners: enough for fourteen numbers."""
    few = data.take((positions(data) < 50) & (data.learner < 500))
    return _fitted(arguments, few, **changes)


def _fitted(
    arguments: argparse.Namespace, data: ResponseArrays, **changes: Any
) -> tuple[FittedPSIKT, float]:
    """Fit the population; return it with the CPU seconds that it took."""
    config = replace(
        CONFIGS["psi_kt"],
        starts_at_target=True,
        transfer=arguments.divisor,
        steps=arguments.steps,
        epochs=1,
        learning_rate=0.06,
        device=arguments.device,
        **changes,
    )
    begin = time.process_time()
    fitted = PSIKTTracer("psi_kt", config=config).fit(data, seed=0)
    return fitted, time.process_time() - begin


def _show_traits(fitted: FittedPSIKT, data: ResponseArrays, truth: PSIKTTruth) -> None:
    learners = np.arange(min(len(data.learners), 200))
    found = [fitted.traits(state) for state in _states(fitted, data, learners)]
    rows = (
        ("half-life", [one.half_life_days for one in found], np.log(2.0) / truth.decay),
        ("level", [one.level for one in found], truth.level),
        ("volatility", [one.volatility for one in found], truth.volatility),
        ("transfer", [one.transfer for one in found], truth.transfer),
    )
    for name, beliefs, true in rows:
        wanted = true[learners]
        values = np.array([one.value for one in beliefs])
        is_inside = [
            one.lower <= value <= one.upper
            for one, value in zip(beliefs, wanted.tolist(), strict=True)
        ]
        print(
            f"  {name}: rank correlation {_rank_correlation(values, wanted):+.2f}, the 80 % "
            f"interval holds {100 * np.mean(is_inside):.0f} %"
        )


def _states(
    fitted: FittedPSIKT, data: ResponseArrays, learners: NDArray[np.int64]
) -> list[PSIKTState]:
    starts = data.learner_slices()
    found = []
    for code in learners.tolist():
        state = fitted.init_state()
        for row in range(int(starts[code]), int(starts[code + 1])):
            told = Observation(
                data.skills_of(row), None, bool(data.correct[row]), float(data.time[row])
            )
            state = fitted.update(state, told)
        found.append(state)
    return found


def _rank_correlation(a: F, b: F) -> float:
    ranks = [np.argsort(np.argsort(one)).astype(np.float64) for one in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


if __name__ == "__main__":
    main()
