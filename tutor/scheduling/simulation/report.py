"""Every policy under every simulator: one row each, with means and 95 % intervals."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, fields, replace
from functools import partial
from math import ceil
from multiprocessing import get_context
from typing import Any

import numpy as np

from tutor.scheduling.baseline_policies import (
    CurriculumPolicy,
    LeitnerPolicy,
    LowestMasteryPolicy,
    MasteryOrderPolicy,
    OuterFringePolicy,
    RandomPolicy,
    ZPDESPolicy,
)
from tutor.scheduling.graph_arrays import F, GraphArrays
from tutor.scheduling.policies import StepwisePolicy
from tutor.scheduling.simulation import workers
from tutor.scheduling.simulation.learners import SIMULATORS
from tutor.scheduling.simulation.running import Outcome, Schedule, Setting, policy_simulate
from tutor.scheduling.situations import Policy
from tutor.scheduling.statuses import PolicyConfig

OURS = "stepwise"
SKILLS_A_WEEK, LEAST_WEEKS, MOST_WEEKS = 12, 6, 26
Z_95 = 1.959964

_BASELINES: dict[str, Callable[[], Policy]] = {
    "random": RandomPolicy,
    "curriculum": CurriculumPolicy,
    "mastery_lowest": LowestMasteryPolicy,
    "mastery_order": MasteryOrderPolicy,
    "outer_fringe": OuterFringePolicy,
    "zpdes": ZPDESPolicy,
    "leitner": LeitnerPolicy,
}
BASELINES = tuple(_BASELINES)
ABLATIONS = (
    "stepwise_no_graph",
    "stepwise_no_forgetting",
    "stepwise_no_uncertainty",
    "stepwise_no_interleaving",
    "stepwise_no_finishing",
)
POLICIES = (OURS, *BASELINES, *ABLATIONS)
METRICS = tuple(metric.name for metric in fields(Outcome))


@dataclass(frozen=True, slots=True)
class Entry:
    """A policy under a simulator; everything that a process needs to run it."""

    policy: str
    setting: Setting
    seeds: tuple[int, ...]
    n_learners: int


@dataclass(frozen=True, slots=True, eq=False)
class Ran:
    """What came of an entry, and the processor seconds it took."""

    policy: str
    simulator: str
    outcome: Outcome
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a report is made of."""

    arrays: GraphArrays
    seeds: tuple[int, ...]
    n_learners: int
    schedule: Schedule
    policies: tuple[str, ...] = POLICIES
    simulators: tuple[str, ...] = tuple(SIMULATORS)
    config: PolicyConfig = field(default_factory=PolicyConfig)


def weeks_for(arrays: GraphArrays) -> int:
    """Return for how many weeks to simulate, so that a good policy can come far but not through."""
    return min(max(LEAST_WEEKS, ceil(arrays.n / SKILLS_A_WEEK)), MOST_WEEKS)


def entries_of(plan: Plan) -> list[Entry]:
    """Return every policy under every simulator, the slow ones first."""
    slow_first = sorted(plan.policies, key=lambda name: not name.startswith(OURS))
    return [
        Entry(
            policy=policy,
            setting=_setting(plan, simulator, policy),
            seeds=plan.seeds,
            n_learners=plan.n_learners,
        )
        for policy in slow_first
        for simulator in plan.simulators
    ]


def _setting(plan: Plan, simulator: str, policy: str) -> Setting:
    config = plan.config
    if policy == "stepwise_no_interleaving":
        config = replace(
            config,
            weight_variety=0.0,
            weight_again_today=0.0,
            most_in_a_row=10_000,
            most_answers_a_day=10_000,
            most_answers_first_day=10_000,
        )
    if policy == "stepwise_no_finishing":
        config = replace(config, weight_finish=0.0)
    if policy == "stepwise_no_uncertainty":
        config = replace(config, weight_information=0.0)
    if policy == "stepwise_no_forgetting":
        config = replace(config, weight_review=0.0)
    is_blind = policy == "stepwise_no_graph"
    return Setting(
        simulator=simulator,
        arrays=plan.arrays,
        believed=plan.arrays.without_edges() if is_blind else plan.arrays,
        goal=np.ones((1, plan.arrays.n), dtype=np.bool_),
        schedule=plan.schedule,
        config=config,
        ages_evidence=policy != "stepwise_no_forgetting",
        has_intervals=policy != "stepwise_no_uncertainty",
    )


def entry_run(entry: Entry) -> Ran:
    """Run one entry."""
    make = _BASELINES.get(entry.policy, partial(StepwisePolicy, config=entry.setting.config))
    began = time.process_time()
    outcome = policy_simulate(entry.setting, make(), seeds=entry.seeds, n_learners=entry.n_learners)
    return Ran(
        policy=entry.policy,
        simulator=entry.setting.simulator,
        outcome=outcome,
        cpu_seconds=time.process_time() - began,
    )


def report_run(
    plan: Plan, *, n_workers: int, progress: Callable[[int, int, Ran], None]
) -> dict[str, Any]:
    """Run a plan in so many processes; return the report, ready for JSON."""
    entries = entries_of(plan)
    ran = []
    for result in _results(entries, n_workers=n_workers):
        ran.append(result)
        progress(len(ran), len(entries), result)
    return {
        "n_skills": plan.arrays.n,
        "n_edges": len(plan.arrays.edge_child),
        "learners_per_seed": plan.n_learners,
        "seeds": list(plan.seeds),
        "weeks": plan.schedule.weeks,
        "hours": round(plan.schedule.hours, 3),
        "cpu_seconds": round(sum(result.cpu_seconds for result in ran), 1),
        "rows": rows_of(ran, plan),
    }


def _results(entries: Sequence[Entry], *, n_workers: int) -> Iterator[Ran]:
    if n_workers == 1:
        yield from map(entry_run, entries)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(n_workers, mp_context=context, initializer=workers.begin) as pool:
        for future in as_completed([pool.submit(workers.entry_ran, entry) for entry in entries]):
            yield future.result()


def rows_of(ran: Sequence[Ran], plan: Plan) -> list[dict[str, Any]]:
    """Return a row per simulator and policy, in the order of the plan.

    `ours_minus_this` compares the same learners under ours and under this policy.
    """
    found = {(result.simulator, result.policy): result for result in ran}
    rows = []
    for simulator in plan.simulators:
        ours = found.get((simulator, OURS))
        for policy in plan.policies:
            result = found[simulator, policy]
            row: dict[str, Any] = {"simulator": simulator, "policy": policy}
            row |= {name: interval(getattr(result.outcome, name)) for name in METRICS}
            if ours is not None and policy != OURS:
                row["ours_minus_this"] = {
                    name: interval(getattr(ours.outcome, name) - getattr(result.outcome, name))
                    for name in ("retention_exam", "retention_30d")
                }
            row["cpu_seconds"] = round(result.cpu_seconds, 1)
            rows.append(row)
    return rows


def interval(values: F) -> dict[str, float]:
    """Return the mean over learners with its 95 % interval."""
    mean = float(values.mean())
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    half = Z_95 * spread / float(np.sqrt(len(values)))
    return {
        "mean": round(mean, 5),
        "low": round(mean - half, 5),
        "high": round(mean + half, 5),
    }
