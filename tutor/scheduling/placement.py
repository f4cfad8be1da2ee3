"""Placement: a few questions that find where a learner stands in the graph. Pure: numpy only.

What a learner knows is a set of skills that holds the prerequisites of each of its members. Many
such sets are drawn, weighed by the answers, and moved a little when too few of them still count
(a particle filter with Metropolis moves). So an answer moves ancestors and descendants through the
graph, and every question is the one whose answer is expected to settle most of it.
Source: Doignon and Falmagne (1985), knowledge spaces; Gilks and Berzuini (2001), resample-move.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tutor.scheduling.graph_arrays import F, GraphArrays, Mask, Rows


@dataclass(frozen=True, slots=True)
class PlacementConfig:
    """Numbers of the placement; probabilities unless the name says otherwise.

    It stops when the best question is expected to settle fewer than `least_settled` skills, or
    less than `least_share` of those still in doubt.
    """

    most_questions: int = 25
    least_settled: float = 0.08
    least_share: float = 0.02
    most_of_a_skill: int = 2
    n_particles: int = 600
    n_considered: int = 120
    guess: float = 0.2
    slip: float = 0.1
    spread: float = 0.15
    opens_at: float = 0.75
    knows_at: float = 0.5


@dataclass(slots=True)
class _Particles:
    """`known` (n, particles), so that a skill's row lies together; `reach` (particles,) how far
    through the course each one is."""

    known: Mask
    reach: F
    log_weight: F

    @property
    def weight(self) -> F:
        weight = np.exp(self.log_weight - self.log_weight.max())
        return np.asarray(weight / weight.sum())


class PlacementTest:
    """The test of one learner: ask `question`, tell `answer`, read `p_known` at any time.

    The same graph, seed and answers give the same questions, so that it can be resumed anywhere.
    """

    def __init__(
        self, arrays: GraphArrays, *, rng: np.random.Generator, config: PlacementConfig
    ) -> None:
        self.arrays, self.config, self._rng = arrays, config, rng
        self._place = _places(arrays)
        self._asked = np.zeros(arrays.n, dtype=np.int64)
        self._n_answers = 0
        # How much more likely the answers to each skill are for those who know it.
        self._log_odds = np.zeros(arrays.n)
        self._next: tuple[int | None, float, float] | None = None
        self._parents = _members(arrays.edge_child, arrays.edge_parent, arrays.n)
        self._children = _members(arrays.edge_parent, arrays.edge_child, arrays.n)
        self._particles = self._draw()

    @property
    def n_answers(self) -> int:
        """How many questions were answered."""
        return self._n_answers

    @property
    def p_known(self) -> F:
        """P(known) of every skill, (n,)."""
        particles = self._particles
        # A sum of weights may pass 1 by a rounding.
        return np.asarray(np.clip(particles.known @ particles.weight, 0.0, 1.0))

    def question(self) -> int | None:
        """Return the row of the skill to ask next; None when the test is over."""
        if self.n_answers >= self.config.most_questions:
            return None
        self._next = self._next or self._best()
        row, settled, doubt = self._next
        enough = max(self.config.least_settled, self.config.least_share * doubt)
        return row if row is not None and settled >= enough else None

    def answer(self, row: int, *, is_right: bool) -> None:
        """Take in an answer to a question on the skill at `row`."""
        self._n_answers += 1
        self._asked[row] += 1
        self._next = None
        knows, knows_not = self._log_likelihood(np.array([True, False]), is_right=is_right)
        self._log_odds[row] += knows - knows_not
        particles = self._particles
        particles.log_weight = particles.log_weight + self._log_likelihood(
            particles.known[row], is_right=is_right
        )
        weight = particles.weight
        if 1.0 / float((weight**2).sum()) < self.config.n_particles / 3:
            self._resample(weight)
            self._move()

    def _log_likelihood(self, known: Mask, *, is_right: bool) -> F:
        p_right = np.where(known, 1 - self.config.slip, self.config.guess)
        return np.asarray(np.log(p_right if is_right else 1 - p_right))

    def _best(self) -> tuple[int | None, float, float]:
        """Return the best question, how many skills it should settle, and how many are in doubt.

        Doubt is the expected number of skills misjudged by taking the likelier side of each.
        """
        particles, config = self._particles, self.config
        p = self.p_known
        doubt = float(np.minimum(p, 1 - p).sum())
        may = self.arrays.is_practisable & (self._asked < config.most_of_a_skill)
        rows = np.flatnonzero(may)
        if not len(rows):
            return None, 0.0, doubt
        rows = rows[np.argsort(np.abs(p[rows] - 0.5), kind="stable")[: config.n_considered]]
        known = particles.known.astype(np.float32)
        weight = particles.weight.astype(np.float32)
        both = (known[rows] * weight) @ known.T
        gain = 1 - config.slip - config.guess
        p_right = config.guess + gain * p[rows]
        if_right = (config.guess * p + gain * both) / p_right[:, None]
        if_wrong = ((1 - config.guess) * p - gain * both) / (1 - p_right)[:, None]
        left = p_right * _doubt(if_right) + (1 - p_right) * _doubt(if_wrong)
        # Doubt as a square settles ties that the count of misjudged skills leaves open.
        square = (p * (1 - p)).sum() - (
            p_right * _square(if_right) + (1 - p_right) * _square(if_wrong)
        )
        best = int(np.argmax(doubt - left + 0.5 * square))
        return int(rows[best]), float(doubt - left[best] + 0.5 * square[best]), doubt

    def _logit_p(self, reach: F) -> F:
        """Return (n, particles) the logit of P(known | all prerequisites known) for a reach."""
        return np.asarray((reach - self._place[:, None]) / self.config.spread)

    def _draw(self) -> _Particles:
        n_particles = self.config.n_particles
        reach = self._rng.uniform(-0.2, 1.2, n_particles)
        p = 1 / (1 + np.exp(-self._logit_p(reach)))
        known = np.zeros((self.arrays.n, n_particles), dtype=np.bool_)
        for row in self.arrays.order.tolist():
            may = known[self._parents[row]].all(axis=0)
            known[row] = may & (self._rng.random(n_particles) < p[row])
        return _Particles(known=known, reach=reach, log_weight=np.zeros(n_particles))

    def _resample(self, weight: F) -> None:
        n_particles = self.config.n_particles
        at = (self._rng.random() + np.arange(n_particles)) / n_particles
        picked = np.minimum(np.searchsorted(np.cumsum(weight), at), n_particles - 1)
        self._particles = _Particles(
            known=self._particles.known[:, picked],
            reach=self._particles.reach[picked],
            log_weight=np.zeros(n_particles),
        )

    def _move(self) -> None:
        """Move every particle by Metropolis steps that leave the posterior as it is."""
        particles = self._particles
        p = particles.known.mean(axis=1)
        near = np.flatnonzero((p > 0.01) & (p < 0.99))
        for _ in range(2):
            self._reach_move()
            logit_p = self._logit_p(particles.reach)
            log_not = _log_not(logit_p)
            for row in self._rng.permutation(near).tolist():
                self._skill_move(row, logit_p, log_not)

    def _reach_move(self) -> None:
        particles = self._particles
        n_particles = len(particles.reach)
        proposed = particles.reach + self._rng.normal(0.0, 0.05, n_particles)
        may = _may_be_known(self.arrays, particles.known)
        change = self._log_prior(proposed, may) - self._log_prior(particles.reach, may)
        change[(proposed < -0.2) | (proposed > 1.2)] = -np.inf
        accepts = np.log(self._rng.random(n_particles)) < change
        particles.reach = np.where(accepts, proposed, particles.reach)

    def _log_prior(self, reach: F, may: Mask) -> F:
        """Return (particles,) the log chance of what each knows; `may` (n, particles) says of which
        skills all prerequisites are known."""
        logit_p = self._logit_p(reach)
        both = np.where(may, _log_not(logit_p), 0.0) + np.where(self._particles.known, logit_p, 0.0)
        return np.asarray(both.sum(axis=0))

    def _skill_move(self, row: int, logit_p: F, log_not: F) -> None:
        """Propose to add or take away one skill in every particle where that leaves a valid set."""
        known = self._particles.known
        children = self._children[row]
        may = ~known[children].any(axis=0)
        for parent in self._parents[row]:
            may &= known[parent]
        # From not known to known: the skill's own odds, and children that now could be known.
        change = logit_p[row] + self._log_odds[row]
        for child in children:
            others = [other for other in self._parents[child] if other != row]
            now_could = known[others].all(axis=0)
            change += np.where(now_could, log_not[child], 0.0)
        change = np.where(known[row], -change, change)
        known[row] ^= may & (np.log(self._rng.random(len(change))) < change)


def _log_not(logit_p: F) -> F:
    """Return log(1 - p)."""
    return np.asarray(-np.maximum(logit_p, 0.0) - np.log1p(np.exp(-np.abs(logit_p))))


def _may_be_known(arrays: GraphArrays, known: Mask) -> Mask:
    """Return (n, particles) whether all prerequisites of each skill are known."""
    may = np.ones(known.shape, dtype=np.bool_)
    for parent, child in zip(arrays.edge_parent.tolist(), arrays.edge_child.tolist(), strict=True):
        may[child] &= known[parent]
    return may


def _doubt(p: F) -> F:
    return np.asarray(np.minimum(p, 1 - p).sum(axis=1))


def _square(p: F) -> F:
    return np.asarray((p * (1 - p)).sum(axis=1))


def _places(arrays: GraphArrays) -> F:
    """Return (n,) how far through the course each skill stands, from 0 to 1: half by the course's
    order, half by the length of the path to it."""
    last = max(arrays.n - 1, 1)
    deepest = max(int(arrays.depth.max(initial=0)), 1)
    return np.asarray(0.5 * np.arange(arrays.n) / last + 0.5 * arrays.depth / deepest)


def _members(owner: Rows, member: Rows, n: int) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(n)]
    for a, b in zip(owner.tolist(), member.tolist(), strict=True):
        found[a].append(b)
    return found


def placement_replay(
    arrays: GraphArrays,
    answers: Sequence[tuple[int, bool]],
    *,
    seed: int,
    config: PlacementConfig | None = None,
) -> PlacementTest:
    """Return the test after the answers (row of a skill, was it right), as it stood then."""
    test = PlacementTest(
        arrays, rng=np.random.default_rng(seed), config=config or PlacementConfig()
    )
    for row, is_right in answers:
        test.answer(row, is_right=is_right)
    return test


def fringe_of(arrays: GraphArrays, p_known: F, *, config: PlacementConfig) -> Mask:
    """Return (n,) where to begin: likely not known, with every prerequisite likely known."""
    knows = p_known >= config.knows_at
    return ~knows & _all_before(arrays, knows) & arrays.is_practisable


def opened_by(arrays: GraphArrays, p_known: F, *, config: PlacementConfig) -> Mask:
    """Return (n,) what may be begun: every prerequisite is known with some certainty."""
    return _all_before(arrays, p_known >= config.opens_at) & arrays.is_practisable


def _all_before(arrays: GraphArrays, knows: Mask) -> Mask:
    found = np.ones(arrays.n, dtype=np.bool_)
    np.logical_and.at(found, arrays.gate_child, knows[arrays.gate_parent])
    return found
