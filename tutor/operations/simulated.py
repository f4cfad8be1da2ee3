"""Learners whose true knowledge is known, for the demo class: pure, seeded, no Django.

A skill is known with the probability sigmoid(z). z grows with every practised step, fades with time
(the slower, the more often it was practised), and is held down while a prerequisite is not known.
These are the effects that the tutor's models look for, so its pages have something to show.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

# Logits, from the course's first skill to its last.
DIFFICULTY_FIRST = -0.8
DIFFICULTY_LAST = 1.4
PREREQUISITE_PULL = 2.0
# A slip on what is known, a lucky hit on what is not.
SLIP = 0.06
GUESS = 0.12
# What is practised again fades more slowly, by this much of the half-life for each practice.
HALF_LIFE_GROWTH = 0.6
WRONG_GAIN = 0.75
SCHOOL_HOURS = (8, 18)
MINUTE_BETWEEN_STEPS = (0.35, 1.6)
STEPS_IN_SITTING = (5, 9)
SITTINGS = (4, 9)


@dataclass(frozen=True, slots=True)
class Character:
    """What makes one simulated learner: the truth behind the answers.

    `ability` and `gain` are in logits, `half_life_days` is that of a skill practised once,
    `help_seeking` is the chance that a learner who does not know asks instead of guessing.
    """

    ability: float
    gain: float
    half_life_days: float
    help_seeking: float
    n_sittings: int


def character_draw(rng: Random, *, place: float) -> Character:
    """Draw a character; `place` from 0 to 1 spreads a class from slow to fast."""
    ability = -1.1 + 2.6 * place + rng.gauss(0.0, 0.25)
    return Character(
        ability=ability,
        gain=max(0.2, rng.gauss(0.5, 0.12)),
        half_life_days=max(4.0, rng.gauss(14.0, 6.0)),
        help_seeking=min(0.6, max(0.05, rng.gauss(0.25, 0.12))),
        n_sittings=rng.randint(*SITTINGS),
    )


@dataclass(slots=True)
class _Strength:
    logit: float = 0.0
    n_practised: int = 0
    last_days: float = 0.0


class SimulatedLearner:
    """One learner's true knowledge as it grows and fades. Times are in days."""

    def __init__(
        self,
        character: Character,
        *,
        skill_ids: Sequence[int],
        parents: Mapping[int, Collection[int]],
    ) -> None:
        self.character = character
        self._parents = parents
        rise = (DIFFICULTY_LAST - DIFFICULTY_FIRST) / max(1, len(skill_ids) - 1)
        self._difficulty = {
            skill_id: DIFFICULTY_FIRST + rise * place for place, skill_id in enumerate(skill_ids)
        }
        self._strengths = {skill_id: _Strength() for skill_id in skill_ids}

    def p_known(self, skill_id: int, *, at_days: float) -> float:
        """Return the probability that the skill is known now."""
        basis = self._basis(skill_id, at_days=at_days)
        logit = self.character.ability + self._retained(skill_id, at_days=at_days)
        return _sigmoid(logit - self._difficulty[skill_id] - PREREQUISITE_PULL * (1.0 - basis))

    def p_correct(self, skill_ids: Sequence[int], *, at_days: float) -> float:
        """Return the probability of a right first answer to a step of these skills."""
        known = math.prod(self.p_known(skill_id, at_days=at_days) for skill_id in skill_ids)
        return GUESS + (1.0 - SLIP - GUESS) * known

    def practise(self, skill_ids: Sequence[int], *, is_correct: bool, at_days: float) -> None:
        """Learn from one step and its feedback."""
        for skill_id in skill_ids:
            strength = self._strengths[skill_id]
            basis = self._basis(skill_id, at_days=at_days)
            gain = self.character.gain * (1.0 if is_correct else WRONG_GAIN) * (0.3 + 0.7 * basis)
            strength.logit = self._retained(skill_id, at_days=at_days) + gain
            strength.n_practised += 1
            strength.last_days = at_days

    def _retained(self, skill_id: int, *, at_days: float) -> float:
        strength = self._strengths[skill_id]
        if not strength.n_practised:
            return 0.0
        growth = 1.0 + HALF_LIFE_GROWTH * (strength.n_practised - 1)
        gap_days = at_days - strength.last_days
        half_life_days = self.character.half_life_days * growth
        return strength.logit * math.exp2(-gap_days / half_life_days)

    def _basis(self, skill_id: int, *, at_days: float) -> float:
        return min(
            (self.p_known(parent, at_days=at_days) for parent in self._parents.get(skill_id, ())),
            default=1.0,
        )


def _sigmoid(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))


@dataclass(frozen=True, slots=True)
class Sitting:
    """When a simulated learner sits down, and for how many steps."""

    starts_at: datetime
    n_steps: int


def sittings_draw(
    rng: Random, *, n_sittings: int, first_day: datetime, n_days: int
) -> Sequence[Sitting]:
    """Draw sittings on different days, in school hours UTC, in order of time."""
    days = sorted(rng.sample(range(n_days), min(n_sittings, n_days)))
    midnight = first_day.replace(hour=0, minute=0, second=0, microsecond=0)
    return [
        Sitting(
            starts_at=midnight
            + timedelta(
                days=day, minutes=rng.randrange(SCHOOL_HOURS[0] * 60, SCHOOL_HOURS[1] * 60)
            ),
            n_steps=rng.randint(*STEPS_IN_SITTING),
        )
        for day in days
    ]


def pause_draw(rng: Random) -> timedelta:
    """Draw how long a learner takes over one deed."""
    return timedelta(minutes=rng.uniform(*MINUTE_BETWEEN_STEPS))
