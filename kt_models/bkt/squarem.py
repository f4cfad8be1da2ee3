"""Run EM to convergence: extrapolated per problem, never downhill, poor starts dropped early."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from kt_models.bkt.em import SMALLEST, PseudoCounts, Rates, e_step, log_prior, m_step
from kt_models.bkt.forest import Bools, Forest, Kept, keep_problems
from kt_models.bkt.parameters import MAX_GUESS_PLUS_SLIP, F
from kt_models.bkt.trie import Codes

_RACE_AFTER = 1
_NAMES = ("prior", "guess", "slip", "learn", "forget")
OnCycle: TypeAlias = Callable[[int, F], None]


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The best start of each skill: rates by the groups of one copy, objective (n_skills,)."""

    rates: Rates
    objective: F
    n_cycles: int


@dataclass(slots=True, eq=False)
class _Live:
    """The problems still running, and the numbers that they had at the start."""

    forest: Forest
    rates: Rates
    pseudo: PseudoCounts
    objective: F
    roots: Codes
    emissions: Codes
    learns: Codes
    problems: Codes


def run(
    forest: Forest,
    start: Rates,
    pseudo: PseudoCounts,
    *,
    n_starts: int,
    forgets: bool,
    tolerance: float,
    max_cycles: int,
    on_cycle: OnCycle | None = None,
) -> Solution:
    """Maximise the log posterior of every problem; forest and start hold n_starts copies.

    A problem stops when a cycle (three EM steps) gains less than tolerance nats. on_cycle gets the
    cycle's number and the objective (n_problems,) of all problems, NaN for those not in the cycle.
    """
    live = _Live(
        forest=forest,
        rates=start,
        pseudo=pseudo,
        objective=np.full(forest.n_problems, -np.inf),
        roots=np.arange(len(forest.root_problem)),
        emissions=np.arange(len(forest.emission_problem)),
        learns=np.arange(len(forest.learn_problem)),
        problems=np.arange(forest.n_problems),
    )
    done = Rates(**{name: getattr(start, name).copy() for name in _NAMES})
    objective = np.full(forest.n_problems, -np.inf)
    n_skills = forest.n_problems // n_starts
    cycle = 0
    while len(live.problems) and cycle < max_cycles:
        before = live.objective
        live.rates, live.objective = _cycle(live, forgets=forgets)
        cycle += 1
        _store(live, done, objective)
        if on_cycle is not None:
            seen = np.full(forest.n_problems, np.nan)
            seen[live.problems] = live.objective
            on_cycle(cycle, seen)
        goes_on = live.objective - before > tolerance
        if n_starts > 1 and cycle % _RACE_AFTER == 0:
            goes_on &= _in_the_race(live.problems, objective, n_skills, cycle // _RACE_AFTER)
        # Cutting the forest costs about as much as a cycle, so it waits until it pays.
        if goes_on.sum() < 0.75 * len(goes_on) or not goes_on.any():
            live = _cut(live, goes_on)
    best = np.argmax(objective.reshape(n_starts, n_skills), axis=0)
    return Solution(
        rates=_best_copy(done, forest, best, n_starts),
        objective=objective.reshape(n_starts, n_skills)[best, np.arange(n_skills)],
        n_cycles=cycle,
    )


def _cycle(live: _Live, *, forgets: bool) -> tuple[Rates, F]:
    """Return rates and their objective after two EM steps and one from their extrapolation."""
    first, _ = _em(live, live.rates, forgets=forgets)
    second, objective_1 = _em(live, first, forgets=forgets)
    guessed = _extrapolate(live, live.rates, first, second, forgets=forgets)
    third, objective_guessed = _em(live, guessed, forgets=forgets)
    is_better = objective_guessed >= objective_1
    mixed = _choose(live, is_better, third, second)
    return mixed, np.where(is_better, objective_guessed, objective_1)


def _em(live: _Live, rates: Rates, *, forgets: bool) -> tuple[Rates, F]:
    """Return the next rates and the objective of the ones passed in."""
    expected = e_step(live.forest, rates)
    objective = expected.log_likelihood + log_prior(
        live.forest, rates, live.pseudo, forgets=forgets
    )
    return m_step(expected, live.pseudo, forgets=forgets), objective


def _group_problem(forest: Forest, name: str) -> Codes:
    if name == "prior":
        return forest.root_problem
    if name == "learn":
        return forest.learn_problem
    return np.arange(forest.n_problems) if name == "forget" else forest.emission_problem


def _extrapolate(live: _Live, a: Rates, b: Rates, c: Rates, *, forgets: bool) -> Rates:
    """Return the SQUAREM point of three successive EM iterates, in log odds."""
    forest = live.forest
    names = [name for name in _NAMES if forgets or name != "forget"]
    step, bend = {}, {}
    step_norm, bend_norm = np.zeros(forest.n_problems), np.zeros(forest.n_problems)
    for name in names:
        x, y, z = (_logit(getattr(rates, name)) for rates in (a, b, c))
        step[name], bend[name] = y - x, z - 2 * y + x
        problem = _group_problem(forest, name)
        step_norm += np.bincount(problem, step[name] ** 2, forest.n_problems)
        bend_norm += np.bincount(problem, bend[name] ** 2, forest.n_problems)
    length = np.maximum(np.sqrt(step_norm / np.maximum(bend_norm, 1e-30)), 1.0)
    length = np.minimum(length, 64.0)
    values = {"forget": c.forget}
    for name in names:
        by = length[_group_problem(forest, name)]
        moved = _logit(getattr(a, name)) + 2 * by * step[name] + by**2 * bend[name]
        values[name] = np.clip(1 / (1 + np.exp(-np.clip(moved, -30, 30))), SMALLEST, 1 - SMALLEST)
    total = values["guess"] + values["slip"]
    shrink = np.minimum(1.0, MAX_GUESS_PLUS_SLIP / total)
    values["guess"], values["slip"] = values["guess"] * shrink, values["slip"] * shrink
    return Rates(**values)


def _logit(p: F) -> F:
    return np.asarray(np.log(p) - np.log1p(-p))


def _choose(live: _Live, is_first: Bools, first: Rates, second: Rates) -> Rates:
    values = {}
    for name in _NAMES:
        picked = is_first[_group_problem(live.forest, name)]
        values[name] = np.where(picked, getattr(first, name), getattr(second, name))
    return Rates(**values)


def _in_the_race(problems: Codes, objective: F, n_skills: int, lap: int) -> Bools:
    """Keep the better half of each skill's starts, then its half, down to one."""
    n_starts = len(objective) // n_skills
    rank = np.argsort(np.argsort(-objective.reshape(n_starts, n_skills), axis=0), axis=0)
    n_kept = max(1, -(-n_starts // 2**lap))
    return np.asarray((rank < n_kept).ravel()[problems])


def _cut(live: _Live, goes_on: Bools) -> _Live:
    if not goes_on.any():
        live.problems = live.problems[:0]
        return live
    kept: Kept = keep_problems(live.forest, goes_on)
    at = {
        "prior": kept.roots,
        "guess": kept.emissions,
        "slip": kept.emissions,
        "learn": kept.learns,
        "forget": kept.problems,
    }
    return _Live(
        forest=kept.forest,
        rates=Rates(**{name: getattr(live.rates, name)[at[name]] for name in _NAMES}),
        pseudo=PseudoCounts(**{name: getattr(live.pseudo, name)[:, at[name]] for name in _NAMES}),
        objective=live.objective[kept.problems],
        roots=live.roots[kept.roots],
        emissions=live.emissions[kept.emissions],
        learns=live.learns[kept.learns],
        problems=live.problems[kept.problems],
    )


def _store(live: _Live, done: Rates, objective: F) -> None:
    done.prior[live.roots] = live.rates.prior
    done.guess[live.emissions] = live.rates.guess
    done.slip[live.emissions] = live.rates.slip
    done.learn[live.learns] = live.rates.learn
    done.forget[live.problems] = live.rates.forget
    objective[live.problems] = live.objective


def _best_copy(done: Rates, forest: Forest, best: Codes, n_starts: int) -> Rates:
    values = {}
    for name in _NAMES:
        rows = getattr(done, name).reshape(n_starts, -1)
        problem = _group_problem(forest, name)[: rows.shape[1]]
        values[name] = rows[best[problem], np.arange(rows.shape[1])]
    return Rates(**values)
