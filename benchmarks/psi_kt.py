"""Measure PSI-KT: speed, recovery of a known truth, inference variants, streaming against refits.

    OMP_NUM_THREADS=1 python benchmarks/psi_kt.py speed
    OMP_NUM_THREADS=1 python benchmarks/psi_kt.py recovery --responses 50,200
    OMP_NUM_THREADS=1 python benchmarks/psi_kt.py edges --responses 50,200,800 --parents 3
    OMP_NUM_THREADS=1 python benchmarks/psi_kt.py authored --learners 3000 --responses 200
    OMP_NUM_THREADS=1 STEPWISE_DATA=../shared python benchmarks/psi_kt.py strongest
    OMP_NUM_THREADS=1 STEPWISE_DATA=../shared python benchmarks/psi_kt.py variants --seeds 0,1,2
    OMP_NUM_THREADS=1 STEPWISE_DATA=../shared python benchmarks/psi_kt.py streaming --seeds 0,1,2
    OMP_NUM_THREADS=1 STEPWISE_DATA=../shared python benchmarks/psi_kt.py full --out DIR

Times of fits are CPU seconds of one thread; the tables of models come from `python -m kt_models
compare` (docs/psi-kt.md has the commands).
"""

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.datasets.read import read_log
from kt_models.evaluate.metrics import auc, score
from kt_models.evaluate.protocols import ProtocolConfig, Trial, predict_trial, trials
from kt_models.protocol import Observation
from kt_models.psi_kt.config import CONFIGS, PSIKTConfig
from kt_models.psi_kt.evidence import edge_evidence
from kt_models.psi_kt.filter import FittedPSIKT
from kt_models.psi_kt.forecast import verdict
from kt_models.psi_kt.model import EDGE_PRIOR_SD, graph_of, shares_of
from kt_models.psi_kt.packing import pack
from kt_models.psi_kt.parameters import strongest_parents
from kt_models.psi_kt.state import PSIKTState
from kt_models.psi_kt.tracer import PSIKTTracer
from kt_models.psi_kt.transfers import edge_posterior, share_likelihood
from kt_models.registry import load_tracer
from kt_models.split import positions
from kt_models.synthetic_log import Simulated
from kt_models.synthetic_psi_kt import PSIKTTruth, simulate_psi_kt

F = NDArray[np.float64]
EXTENDED = "psi_kt_extended"
N_SKILLS = 30
DATA = Path(os.environ.get("STEPWISE_DATA", "../shared")) / "data"


def main() -> None:
    """Run the part that was asked for."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parts: dict[str, Callable[[argparse.Namespace], None]] = {
        "speed": speed,
        "recovery": recovery,
        "edges": edges,
        "authored": authored,
        "strongest": strongest,
        "variants": variants,
        "streaming": streaming,
        "full": full,
    }
    parser.add_argument("part", choices=tuple(parts))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--responses", default="50")
    parser.add_argument("--learners", type=int, default=500)
    parser.add_argument("--parents", type=int, default=3)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--settings", default="", help="run only variants whose name holds this")
    parser.add_argument("--divisor", choices=("skills", "parents"), default="parents")
    parser.add_argument("--protocol", choices=("honest", "future"), default="honest")
    parser.add_argument("--model", choices=tuple(CONFIGS), default=EXTENDED)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    parts[arguments.part](arguments)


def numbers(text: str) -> list[int]:
    """Read integers set apart by commas."""
    return [int(one) for one in text.split(",")]


def assist2017() -> ResponseArrays:
    """Read the log that most figures are of."""
    return read_log(DATA / "assist2017.csv.gz").data


def speed(arguments: argparse.Namespace) -> None:
    """Time an epoch, one update, one forecast of a class, and the size of a state."""
    from kt_models.psi_kt.fit import Fitting

    rng = np.random.default_rng(0)
    data = simulate_psi_kt(rng, n_learners=100, n_responses=50, n_skills=100, p_stay=0.0).data
    packed = pack(data, unit_steps=False)
    for name in CONFIGS:
        config = replace(CONFIGS[name], device=arguments.device)
        fitting = Fitting(packed, config=config, seed=0, warm=None)
        fitting.epoch(0)
        spent = [_cpu(partial(fitting.epoch, epoch)) for epoch in range(1, 6)]
        print(f"epoch of {name}, 100 x 50 x 100: median {statistics.median(spent):.3f} CPU s")
    fitted = load_tracer(EXTENDED, steps=2, epochs=1, max_parents=5).fit(data, seed=0)
    assert isinstance(fitted, FittedPSIKT)
    state = fitted.init_state()
    skills = [str(skill) for skill in fitted.parameters.skills]
    for number, skill in enumerate(skills):
        state = fitted.update(state, Observation((skill,), None, number % 2 > 0, 20_000.0 + number))
    for n_more in (0, 1_000, 5_000):
        for number in range(n_more):
            told = Observation((skills[number % 100],), None, number % 3 > 0, state.last_at)
            state = fitted.update(state, told)
        one = Observation((skills[7],), None, True, state.last_at + 0.1)
        spent = [_cpu(partial(fitted.update, state, one)) for _ in range(200)]
        print(
            f"update after {state.n:,} responses, 100 skills, 5 parents: median "
            f"{1e3 * statistics.median(spent):.3f} CPU ms; state {len(fitted.dump_state(state)):,} "
            "bytes"
        )
    wide = [*skills, *(f"other {number}" for number in range(400))]
    states = [state] * 40
    spent = [
        _cpu(lambda: fitted.forecast_many(states, wide, at=state.last_at + 1)) for _ in range(9)
    ]
    print(
        f"forecast of 40 learners x 500 skills: median {1e3 * statistics.median(spent):.1f} CPU ms"
    )


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
    config = replace(
        CONFIGS["psi_kt"],
        starts_at_target=True,
        transfer=arguments.divisor,
        steps=arguments.steps,
        epochs=1,
        learning_rate=0.06,
        device=arguments.device,
    )
    begin = time.process_time()
    fitted = PSIKTTracer("psi_kt", config=config).fit(logs[first].data, seed=0)
    spent = time.process_time() - begin
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
        graph = _graph(fitted)
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
            _graph(fitted), likelihood, config=fitted.parameters.config, prior_sd=EDGE_PRIOR_SD
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
    graph, skills = _graph(fitted), fitted.parameters.skills
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
    config = replace(
        CONFIGS["psi_kt"],
        starts_at_target=True,
        transfer=arguments.divisor,
        steps=arguments.steps,
        epochs=1,
        learning_rate=0.06,
        **changes,
    )
    begin = time.process_time()
    fitted = PSIKTTracer("psi_kt", config=config).fit(few, seed=0)
    return fitted, time.process_time() - begin


def _graph(fitted: FittedPSIKT) -> F:
    raw = fitted.parameters.raw
    u, direction = (torch.as_tensor(raw[f"{site}.loc"]) for site in ("embedding", "direction"))
    found: F = graph_of(u, direction).double().numpy()
    return found


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


def variants(arguments: argparse.Namespace) -> None:
    """Compare ways to fit, and parts of the model, on cohorts of 100."""
    settings: dict[str, tuple[str, dict[str, object]]] = {
        "paper, collapsed, no transfer": ("psi_kt", {"transfer": "none"}),
        "paper, structured guide": (
            "psi_kt",
            {"transfer": "none", "inference": "structured", "steps": 600},
        ),
        "paper": ("psi_kt", {}),
        "paper, starts at the level": ("psi_kt", {"starts_at_target": True}),
        "extended": (EXTENDED, {}),
        "extended, no transfer": (EXTENDED, {"transfer": "none"}),
        "extended, structured guide": (
            EXTENDED,
            {"transfer": "none", "inference": "structured", "steps": 600},
        ),
        "extended, no history": (EXTENDED, {"history": False}),
        "extended, no items": (EXTENDED, {"item_offsets": False}),
    }
    data = assist2017()
    for label, (name, changes) in settings.items():
        if arguments.settings not in label:
            continue
        found: dict[str, list[tuple[float, float]]] = {"multistep": [], "onestep": []}
        spent = []
        for seed in numbers(arguments.seeds):
            # Both protocols fit on the same ten answers of the same learners.
            both = {protocol: _trial(data, protocol, seed) for protocol in found}
            tracer = load_tracer(name, **changes)
            begin = time.process_time()
            fitted = tracer.fit(both["onestep"].train, seed=seed)
            spent.append(time.process_time() - begin)
            for protocol, trial in both.items():
                scores = score(trial.test.correct[trial.is_scored], predict_trial(fitted, trial))
                found[protocol].append((scores.auc, scores.log_loss))
        shown = "  ".join(
            f"{protocol} {np.mean(rows, axis=0)[0]:.4f} / {np.mean(rows, axis=0)[1]:.4f}"
            for protocol, rows in found.items()
        )
        print(f"{label}: {shown}  fit {np.mean(spent):.1f} CPU s", flush=True)


def _trial(data: ResponseArrays, protocol: str, seed: int) -> Trial:
    config = ProtocolConfig(name=protocol)  # type: ignore[arg-type]
    return next(iter(trials(config, data, test=None, rng=np.random.default_rng(seed))))


def streaming(arguments: argparse.Namespace) -> None:
    """Compare one fit that only streams with a warm-started refit every ten responses."""
    data = assist2017()
    losses: dict[str, list[list[float]]] = {"streaming": [], "refitted": []}
    config: PSIKTConfig = CONFIGS[EXTENDED]
    for seed in numbers(arguments.seeds):
        trial = _trial(data, "onestep", seed)
        test, at = trial.test, positions(trial.test)
        first = PSIKTTracer(EXTENDED, config=config).fit(trial.train, seed=seed)
        fitted, rows = first, {name: list[float]() for name in losses}
        for begin in (10, 20, 30, 40):
            if begin > 10:
                known = test.take(at < begin)
                brief = replace(config, steps=60, epochs=1)
                tracer = PSIKTTracer(EXTENDED, config=brief, start=fitted)
                fitted = tracer.fit(known, seed=seed)
            asked = (at >= begin) & (at < begin + 10)
            for name, model in (("streaming", first), ("refitted", fitted)):
                p = model.predict(test.take(at < begin + 10))
                is_asked = asked[at < begin + 10]
                rows[name].append(score(test.correct[asked], p[is_asked]).log_loss)
        for name, one in rows.items():
            losses[name].append(one)
    for name, each in losses.items():
        print(name, "log loss of steps 11-20, 21-30, 31-40, 41-50:", np.mean(each, axis=0).round(4))


def full(arguments: argparse.Namespace) -> None:
    """Fit on whole histories of four fifths of the learners; score the others, or what is later."""
    data = assist2017()
    config = ProtocolConfig(name=arguments.protocol)
    trial = next(iter(trials(config, data, test=None, rng=np.random.default_rng(0))))
    begin = time.process_time()
    tracer = load_tracer(arguments.model, device=arguments.device)
    fitted = tracer.fit(trial.train, seed=0, progress=lambda _, text: print(text, flush=True))
    spent = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    scores = score(trial.test.correct[trial.is_scored], predict_trial(fitted, trial))
    print(
        f"{arguments.model}, {arguments.protocol}: {trial.train.n_responses:,} responses, fit "
        f"{spent:.0f} CPU s, {peak:.0f} MiB; AUC {scores.auc:.4f}, log loss {scores.log_loss:.4f}, "
        f"accuracy {scores.accuracy:.4f}, F1 {scores.f1:.4f}, ECE {scores.ece:.4f}"
    )
    assert isinstance(fitted, FittedPSIKT)
    for edge in fitted.edges()[:10]:
        print(
            f"  {edge.parent} -> {edge.child}: {edge.weight:.2f} ({edge.lower:.2f}-"
            f"{edge.upper:.2f}), {edge.n_learners} learners, right {edge.right_after_strong:.2f} "
            f"after strong, {edge.right_after_weak:.2f} after weak; the data {edge.says}"
        )
    whole = score(trial.test.correct[trial.is_scored], predict_trial(_unpruned(fitted), trial))
    print(f"  log loss with every parent kept {whole.log_loss:.5f}, pruned {scores.log_loss:.5f}")
    if arguments.out is not None:
        fitted.save(arguments.out)


def _unpruned(fitted: FittedPSIKT) -> FittedPSIKT:
    """Return the same model with all parents of every skill."""
    p = fitted.parameters
    share = shares_of(torch.as_tensor(_graph(fitted)), config=p.config).numpy()[:-1].T
    parents, kept, rest, rest_square = strongest_parents(share, len(p.skills))
    return FittedPSIKT(
        replace(p, parents=parents, parent_share=kept, rest=rest, rest_square=rest_square)
    )


def _cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    main()
