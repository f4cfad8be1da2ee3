"""Simulated learners, in two kinds that share nothing with the model that the scheduler believes.

Everything is arrays: one row per learner, one column per skill. Times are in days. Whoever lacks a
prerequisite answers worse and learns less; what is known is forgotten; answers slip and guess.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tutor.scheduling.graph_arrays import F, GraphArrays, Mask, Rows

F32: TypeAlias = NDArray[np.float32]

SLIP, GUESS = 0.08, 0.15
# Of an answer or a gain, this much is left to whoever knows none of the prerequisites.
ANSWER_WITHOUT_BASIS, GAIN_WITHOUT_BASIS = 0.3, 0.1
WRONG_GAIN = 0.8
LESSON_GAIN = 1.0


class Learners(Protocol):
    """Learners whose true knowledge is known."""

    def known(self, at: float) -> F:
        """Return (n_learners, n_skills) the chance that each can do each skill at a time."""

    def look(self, who: Rows, skills: Rows, at: float) -> tuple[F, F]:
        """Return (m,) how well each skill is recalled apart from its prerequisites, and how well
        the least known prerequisite is (1 without any)."""

    def practise(
        self,
        who: Rows,
        skills: Rows,
        *,
        recall: F,
        basis: F,
        is_right: Mask,
        is_first: Mask,
        at: float,
    ) -> None:
        """Learn from one step (with its lesson before, where it is the first); no learner twice.

        recall and basis are what `look` said of it.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Characters:
    """What makes learners differ, each (n_learners,): in ability, gain, forgetting and pace.

    `difficulty` and `knows_already` are (n_learners, n_skills).
    """

    ability: F
    gain: F
    forgetting: F
    pace: F
    difficulty: F
    knows_already: Mask


def characters_draw(arrays: GraphArrays, *, n: int, rng: np.random.Generator) -> Characters:
    """Draw learners. What one knows already holds the prerequisites of each of its skills."""
    ability = rng.normal(0.0, 1.0, n)
    difficulty = rng.normal(0.0, 1.0, (n, arrays.n))
    deepest = max(int(arrays.depth.max(initial=0)), 1)
    reach = 1.3 * ability[:, None] - 1.0 - 3.0 * arrays.depth / deepest - 0.5 * difficulty
    wants = rng.random((n, arrays.n)) < 1 / (1 + np.exp(-2.0 * reach))
    knows = np.zeros((n, arrays.n), dtype=np.bool_)
    parents = arrays.parents_padded
    for row in arrays.order.tolist():
        before = parents[row][parents[row] >= 0]
        knows[:, row] = wants[:, row] & knows[:, before].all(axis=1)
    return Characters(
        ability=ability,
        gain=np.exp(rng.normal(0.0, 0.25, n) + 0.2 * ability),
        forgetting=np.exp(rng.normal(0.0, 0.3, n) - 0.1 * ability),
        pace=np.exp(rng.normal(0.0, 0.25, n)),
        difficulty=difficulty,
        knows_already=knows,
    )


def able(recall: F, basis: F) -> F:
    """Return the chance to do what is recalled so well, on prerequisites known so well."""
    return np.asarray(recall * (ANSWER_WITHOUT_BASIS + (1 - ANSWER_WITHOUT_BASIS) * basis))


def _logit(p: F) -> F:
    clipped = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _least(recall: F, parents: Rows) -> F:
    return np.asarray(np.where(parents >= 0, recall, 1.0).min(axis=-1))


class PowerLawLearners:
    """Memory of single practices, each fading by a power of its age.

    Activation is ln sum w (age + t0) ** -d; a practice at high activation fades faster, so that
    spaced practice lasts and massed practice does not. Source: Anderson and Schooler (1991);
    Pavlik and Anderson (2005), eq. 3 and 5. Ours: ages in days, weights from the prerequisites, and
    only the newest `most` practices kept apart (older ones count in the oldest place).
    """

    AGE_ADDED, MOST_DECAY, MOST = 0.25, 1.2, 16
    DECAY_LEAST, DECAY_SCALE = 0.22, 0.06
    THRESHOLD, NOISE = 0.55, 0.4

    def __init__(self, arrays: GraphArrays, characters: Characters) -> None:
        n_learners = len(characters.ability)
        self._characters = characters
        self._parents = arrays.parents_padded
        shape = (n_learners, arrays.n, self.MOST)
        self._at = np.zeros(shape, dtype=np.float32)
        self._weight = np.zeros(shape, dtype=np.float32)
        self._decay = np.zeros(shape, dtype=np.float32)
        self._count = np.zeros((n_learners, arrays.n), dtype=np.int64)
        already = characters.knows_already
        self._at[already, 0], self._weight[already, 0] = -30.0, 6.0
        self._decay[already, 0] = 0.15
        self._count[already] = 1
        self._threshold = (
            self.THRESHOLD + 0.25 * characters.difficulty - 0.15 * characters.ability[:, None]
        )

    def known(self, at: float) -> F:
        used = max(int(self._count.max()), 1)
        recall = np.empty(self._count.shape)
        for begin in range(0, len(recall), 50):
            part = slice(begin, begin + 50)
            activation = self._activation(
                self._at[part, :, :used],
                self._weight[part, :, :used],
                self._decay[part, :, :used],
                at,
            )
            recall[part] = self._recall(activation, self._threshold[part])
        basis = _least(recall[:, self._parents], self._parents)
        return able(recall, basis)

    def look(self, who: Rows, skills: Rows, at: float) -> tuple[F, F]:
        parents = self._parents[skills]
        wanted = np.concatenate([skills[:, None], np.maximum(parents, 0)], axis=1)
        recall = self._recall_of(np.broadcast_to(who[:, None], wanted.shape), wanted, at)
        return recall[:, 0], _least(recall[:, 1:], parents)

    def practise(
        self,
        who: Rows,
        skills: Rows,
        *,
        recall: F,
        basis: F,
        is_right: Mask,
        is_first: Mask,
        at: float,
    ) -> None:
        activation = self._threshold[who, skills] + self.NOISE * _logit(recall)
        decay = self._characters.forgetting[who] * (
            self.DECAY_LEAST + self.DECAY_SCALE * np.exp(np.minimum(activation, 3.0))
        )
        gain = np.where(is_right, 1.0, WRONG_GAIN) + np.where(is_first, LESSON_GAIN, 0.0)
        gain *= self._characters.gain[who]
        gain *= GAIN_WITHOUT_BASIS + (1 - GAIN_WITHOUT_BASIS) * basis
        full = self._count[who, skills] >= self.MOST
        if full.any():
            self._oldest_join(who[full], skills[full])
        place = self._count[who, skills]
        self._at[who, skills, place] = at
        self._weight[who, skills, place] = gain
        self._decay[who, skills, place] = np.minimum(decay, self.MOST_DECAY)
        self._count[who, skills] += 1

    def _oldest_join(self, who: Rows, skills: Rows) -> None:
        """Let the second oldest practice stand for the oldest too, and move up."""
        self._weight[who, skills, 1] += self._weight[who, skills, 0]
        for values in (self._at, self._weight, self._decay):
            values[who, skills, :-1] = values[who, skills, 1:]
        self._weight[who, skills, -1] = 0.0
        self._count[who, skills] -= 1

    def _recall_of(self, who: Rows, skills: Rows, at: float) -> F:
        used = max(int(self._count.max()), 1)
        activation = self._activation(
            self._at[who, skills, :used],
            self._weight[who, skills, :used],
            self._decay[who, skills, :used],
            at,
        )
        return self._recall(activation, self._threshold[who, skills])

    def _activation(self, when: F32, weight: F32, decay: F32, at: float) -> F:
        age = np.maximum(np.float32(at) - when, 0.0) + np.float32(self.AGE_ADDED)
        total = (weight * np.exp(-decay * np.log(age))).sum(axis=-1)
        return np.asarray(np.log(np.maximum(total, 1e-6)), dtype=np.float64)

    def _recall(self, activation: F, threshold: F) -> F:
        return np.asarray(1 / (1 + np.exp(-(activation - threshold) / self.NOISE)))


class HalfLifeLearners:
    """A skill is learned when enough practice has come together, and then halves at its pace.

    Below the threshold nothing is known. Above it recall is 2 ** (-age / half-life); a right answer
    lengthens the half-life, the more the nearer it came to being forgotten, a wrong one shortens
    it. A right answer also refreshes a part of each prerequisite. Source: Settles and Meeder (2016)
    for the half-life; Ours: the threshold, the spacing and the transfer.
    """

    FIRST_DAYS, LEAST_DAYS, MOST_DAYS = 5.0, 1.0, 240.0
    GROWTH, GROWTH_ALWAYS, SHRINK = 2.2, 0.12, 0.7
    GAIN, TRANSFER = 0.3, 0.35

    def __init__(self, arrays: GraphArrays, characters: Characters) -> None:
        shape = characters.knows_already.shape
        self._characters = characters
        self._parents = arrays.parents_padded
        self._progress = np.zeros(shape)
        self._threshold = np.exp(0.25 * characters.difficulty)
        self._half_life = np.empty(shape)
        self._half_life[:] = (self.FIRST_DAYS / characters.forgetting)[:, None]
        self._last = np.zeros(shape)
        already = characters.knows_already
        self._progress[already] = self._threshold[already]
        self._half_life[already], self._last[already] = 60.0, -15.0

    def known(self, at: float) -> F:
        recall = self._recall(np.s_[:, :], at)
        basis = _least(recall[:, self._parents], self._parents)
        return able(recall, basis)

    def look(self, who: Rows, skills: Rows, at: float) -> tuple[F, F]:
        parents = self._parents[skills]
        before = self._recall((who[:, None], np.maximum(parents, 0)), at)
        return self._recall((who, skills), at), _least(before, parents)

    def practise(
        self,
        who: Rows,
        skills: Rows,
        *,
        recall: F,
        basis: F,
        is_right: Mask,
        is_first: Mask,
        at: float,
    ) -> None:
        where = (who, skills)
        was_learned = self._progress[where] >= self._threshold[where]
        gain = np.where(is_right, 1.0, WRONG_GAIN) + np.where(is_first, LESSON_GAIN, 0.0)
        gain *= self.GAIN * self._characters.gain[who]
        gain *= GAIN_WITHOUT_BASIS + (1 - GAIN_WITHOUT_BASIS) * basis
        self._progress[where] += gain
        longer = 1 + self.GROWTH_ALWAYS + self.GROWTH * (1 - recall)
        factor = np.where(is_right, longer, self.SHRINK)
        moved = np.clip(self._half_life[where] * factor, self.LEAST_DAYS, self.MOST_DAYS)
        self._half_life[where] = np.where(was_learned, moved, self._half_life[where])
        self._last[where] = at
        self._transfer(who[is_right], skills[is_right], at)

    def _transfer(self, who: Rows, skills: Rows, at: float) -> None:
        for parents in self._parents[skills].T:
            some = parents >= 0
            where = (who[some], parents[some])
            recall = self._recall(where, at)
            longer = 1 + self.TRANSFER * self.GROWTH * (1 - recall)
            knows = recall > 0
            moved = np.minimum(self._half_life[where] * longer, self.MOST_DAYS)
            self._half_life[where] = np.where(knows, moved, self._half_life[where])
            nearer = self._last[where] + self.TRANSFER * (at - self._last[where])
            self._last[where] = np.where(knows, nearer, self._last[where])

    def _recall(self, where: tuple[Rows, Rows] | tuple[slice, slice], at: float) -> F:
        age = np.maximum(at - self._last[where], 0.0)
        learned = self._progress[where] >= self._threshold[where]
        return np.where(learned, np.exp2(-age / self._half_life[where]), 0.0)


SIMULATORS: dict[str, type[PowerLawLearners] | type[HalfLifeLearners]] = {
    "power_law": PowerLawLearners,
    "half_life": HalfLifeLearners,
}
