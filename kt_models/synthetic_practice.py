"""Learners who gain by practice, forget by a power law, and need the prerequisites first.

One set of formulas serves a whole simulated log and a single learner who answers step by step, as
the demo class of the site does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kt_models.errors import ConfigError, DataError
from kt_models.synthetic_log import Simulated, check_sizes, draw_times, log_of_steps, walk_skills

F = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PracticeTraits:
    """How simulated learners behave, the same for all of them.

    A skill has a level in [0, 1]; gap_days after practice level * (1 + gap_days / stability_days)
    ** -forgetting of it is left. P(correct) = guess + (1 - guess - slip) * sigmoid(ability
    - difficulty + gain * what is left). Practice closes the share learn_rate of the distance to 1,
    less where prerequisites are weak and after a wrong answer; a right one makes memory stabler.
    """

    gain: float = 3.6
    learn_rate: float = 0.30
    wrong_factor: float = 0.6
    unready_factor: float = 0.25
    forgetting: float = 0.35
    first_stability_days: float = 2.0
    stability_growth: float = 1.0
    max_stability_days: float = 365.0
    guess: float = 0.12
    slip: float = 0.06
    hint_tendency: float = 0.25
    median_elapsed_ms: float = 18_000.0

    def __post_init__(self) -> None:
        if not 0 <= self.guess < 1 - self.slip <= 1:
            raise ConfigError(f"guess is {self.guess} and slip {self.slip}, expected a sum below 1")
        if not self.first_stability_days > 0 or self.forgetting < 0:
            raise ConfigError(
                f"first_stability_days is {self.first_stability_days} and forgetting "
                f"{self.forgetting}, expected more than 0 and at least 0"
            )


DEFAULT_TRAITS = PracticeTraits()


class SimulatedAnswer(NamedTuple):
    """What a simulated learner does with a step; a hint asked for first counts as not correct."""

    is_correct: bool
    elapsed_ms: int
    wants_hint: bool


@dataclass(frozen=True, slots=True, eq=False)
class PracticeTruth:
    """ability (n_learners,), difficulty (n_skills,), edges (m, 2) as (prerequisite, skill)."""

    ability: F
    difficulty: F
    edges: NDArray[np.int64]
    traits: PracticeTraits


def left_of(level: F, stability_days: F, gap_days: F, traits: PracticeTraits) -> F:
    """Return what is left of a level after a gap, any shape."""
    return np.asarray(level * (1 + gap_days / stability_days) ** -traits.forgetting)


def chance(ability: F | float, difficulty: F, left: F, traits: PracticeTraits) -> F:
    """Return P(right answer), any shape, before any wish for a hint."""
    logit = ability - difficulty + traits.gain * left
    return np.asarray(
        traits.guess + (1 - traits.guess - traits.slip) / (1 + np.exp(-np.clip(logit, -30, 30)))
    )


def after_practice(
    left: F,
    stability_days: F,
    readiness: F,
    is_correct: NDArray[np.bool_],
    traits: PracticeTraits,
) -> tuple[F, F]:
    """Return the new level and stability in days; readiness in [0, 1] is of the prerequisites."""
    rate = traits.learn_rate * np.where(is_correct, 1.0, traits.wrong_factor)
    rate = rate * (traits.unready_factor + (1 - traits.unready_factor) * readiness)
    # Recalling what was nearly gone strengthens memory more than repeating what is fresh.
    growth = 1 + traits.stability_growth * np.where(is_correct, 1.05 - left, 0.0)
    return np.asarray(left + (1 - left) * rate), np.minimum(
        stability_days * growth, traits.max_stability_days
    )


class SimulatedLearner:
    """One learner who answers step by step and learns from it."""

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        ability: float,
        skills: Sequence[str],
        prerequisites: Iterable[tuple[str, str]] = (),
        difficulty: Mapping[str, float] | None = None,
        item_difficulty: Mapping[str, float] | None = None,
        traits: PracticeTraits = DEFAULT_TRAITS,
    ) -> None:
        """Take who the learner is.

        ability and the difficulties of skills and items (0 where not given) are in log odds, about
        -1.5 to 1.5; prerequisites are (prerequisite, skill). Raises: ConfigError.
        """
        self._rng = rng
        self._code = {skill: code for code, skill in enumerate(skills)}
        if len(self._code) != len(skills):
            raise ConfigError("skills name one skill twice, expected distinct ids")
        self._parents: dict[int, list[int]] = {code: [] for code in self._code.values()}
        for parent, child in prerequisites:
            if parent not in self._code or child not in self._code:
                raise ConfigError(f"prerequisite ({parent}, {child}) names an unknown skill")
            self._parents[self._code[child]].append(self._code[parent])
        self.ability = ability
        self.traits = traits
        given = difficulty or {}
        self._difficulty = np.array([given.get(skill, 0.0) for skill in skills])
        self._item_difficulty = dict(item_difficulty or {})
        self._level = np.zeros(len(skills))
        self._stability = np.full(len(skills), traits.first_stability_days)
        self._last_at = np.full(len(skills), np.nan)

    def mastery(self, skill: str, at: float) -> float:
        """Return what is left of the skill's level at a time in days, 0 to 1."""
        return float(self._left(np.array([self._codes((skill,))[0]]), at)[0])

    def p_correct(self, skill_ids: Sequence[str], item: str | None, at: float) -> float:
        """Return the true P(right at the first try, with no hint before) at a time in days."""
        p = self._p_right(self._codes(skill_ids), item, at)
        return p * (1 - self._p_hint(p))

    def answer(self, skill_ids: Sequence[str], item: str | None, at: float) -> SimulatedAnswer:
        """Answer a step at a time in days, and learn from it.

        Raises: DataError for no skill, an unknown one, or a time before the skills' last.
        """
        codes = self._codes(skill_ids)
        if (at < self._last_at[codes]).any():
            raise DataError(f"answer at {at} is earlier than the learner's last one on the skills")
        p = self._p_right(codes, item, at)
        wants_hint = bool(self._rng.random() < self._p_hint(p))
        is_correct = bool(self._rng.random() < p) and not wants_hint
        readiness = np.array([self._readiness(int(code), at) for code in codes])
        left = self._left(codes, at)
        self._level[codes], self._stability[codes] = after_practice(
            left, self._stability[codes], readiness, np.full(len(codes), is_correct), self.traits
        )
        self._last_at[codes] = at
        median = self.traits.median_elapsed_ms * (1.6 - p)
        elapsed_ms = int(median * np.exp(self._rng.normal(0.0, 0.5)))
        return SimulatedAnswer(is_correct, max(elapsed_ms, 500), wants_hint)

    def _codes(self, skill_ids: Sequence[str]) -> NDArray[np.int64]:
        unknown = [skill for skill in skill_ids if skill not in self._code]
        if unknown or not skill_ids:
            raise DataError(f"skills {list(skill_ids)} are not all known, expected at least one")
        return np.array([self._code[skill] for skill in skill_ids], dtype=np.int64)

    def _left(self, codes: NDArray[np.int64], at: float) -> F:
        gap = np.nan_to_num(np.maximum(at - self._last_at[codes], 0.0))
        return left_of(self._level[codes], self._stability[codes], gap, self.traits)

    def _readiness(self, code: int, at: float) -> float:
        parents = self._parents[code]
        return float(self._left(np.array(parents), at).mean()) if parents else 1.0

    def _p_right(self, codes: NDArray[np.int64], item: str | None, at: float) -> float:
        extra = self._item_difficulty.get(item, 0.0) if item is not None else 0.0
        difficulty = self._difficulty[codes].mean(keepdims=True) + extra
        left = self._left(codes, at).mean(keepdims=True)
        return float(chance(self.ability, difficulty, left, self.traits)[0])

    def _p_hint(self, p: float) -> float:
        return self.traits.hint_tendency * (1 - p)


def simulate_practice(
    rng: np.random.Generator,
    *,
    n_learners: int,
    n_responses: int,
    n_skills: int,
    edges: NDArray[np.int64] | None = None,
    ability_spread: float = 0.9,
    p_stay: float = 0.6,
    traits: PracticeTraits = DEFAULT_TRAITS,
    begin_days: float = 20_000.0,
) -> Simulated[PracticeTruth]:
    """Simulate a log of learners who practise and forget; times are in days, no hints are taken.

    edges (m, 2) are (prerequisite, skill) codes; by default each skill needs the one before it.
    Raises: ConfigError.
    """
    check_sizes(n_learners=n_learners, n_responses=n_responses, n_skills=n_skills)
    chain = np.stack([np.arange(n_skills - 1), np.arange(1, n_skills)], axis=1)
    truth = PracticeTruth(
        ability=rng.normal(-0.8, ability_spread, n_learners),
        difficulty=rng.normal(0.0, 0.5, n_skills),
        edges=chain if edges is None else edges,
        traits=traits,
    )
    sizes = {"n_learners": n_learners, "n_responses": n_responses, "n_skills": n_skills}
    skill = walk_skills(rng, **sizes, p_stay=p_stay)
    time = draw_times(rng, n_learners=n_learners, n_responses=n_responses, begin_days=begin_days)
    n_parents = np.bincount(truth.edges[:, 1], minlength=n_skills)
    share = np.zeros((n_skills, n_skills))
    share[truth.edges[:, 0], truth.edges[:, 1]] = 1.0
    share /= np.maximum(n_parents, 1)
    level = np.zeros((n_learners, n_skills))
    stability = np.full((n_learners, n_skills), traits.first_stability_days)
    last = np.repeat(time[0][:, None], n_skills, axis=1)
    correct = np.empty(skill.shape, dtype=np.bool_)
    p = np.empty(skill.shape)
    row = np.arange(n_learners)
    for step, practised in enumerate(skill):
        left = left_of(level, stability, time[step][:, None] - last, traits)
        readiness = np.einsum("lk,kl->l", left, share[:, practised])
        readiness = np.where(n_parents[practised] > 0, readiness, 1.0)
        mine = left[row, practised]
        p[step] = chance(truth.ability, truth.difficulty[practised], mine, traits)
        correct[step] = rng.random(n_learners) < p[step]
        level[row, practised], stability[row, practised] = after_practice(
            mine, stability[row, practised], readiness, correct[step], traits
        )
        last[row, practised] = time[step]
    data = log_of_steps(
        skill=skill,
        correct=correct,
        time=time,
        item=None,
        items=[],
        n_skills=n_skills,
        time_unit="days",
    )
    return Simulated(data=data, p=p.T.ravel(), truth=truth)
