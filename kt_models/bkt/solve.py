"""Chunk by chunk from start values to fitted rates: plain, pooled over skills, and refined."""

from dataclasses import dataclass, replace

import numpy as np

from kt_models.bkt import squarem
from kt_models.bkt.em import SMALLEST, PseudoCounts, Rates
from kt_models.bkt.forest import copies
from kt_models.bkt.parameters import (
    DEFAULT_GUESS,
    DEFAULT_LEARN,
    DEFAULT_PRIOR,
    DEFAULT_SLIP,
    F,
)
from kt_models.bkt.sequences import Chunk, Grouping, Sequences, chunks
from kt_models.protocol import Progress

_CENTRE_FORGET = 0.03
_MAX_POOLED_STRENGTH = 50.0
# Where random starts come from: low and high of each rate.
_SPREAD = {
    "prior": (0.05, 0.90),
    "guess": (0.05, 0.40),
    "slip": (0.02, 0.40),
    "learn": (0.02, 0.40),
    "forget": (0.01, 0.15),
}
_CENTRE = {
    "prior": DEFAULT_PRIOR,
    "guess": DEFAULT_GUESS,
    "slip": DEFAULT_SLIP,
    "learn": DEFAULT_LEARN,
    "forget": _CENTRE_FORGET,
}


@dataclass(frozen=True, slots=True, eq=False)
class SkillRates:
    """Fitted rates: prior (K, n_classes), the others (K,), those of pairs (n_pairs,)."""

    prior: F
    guess: F
    slip: F
    learn: F
    forget: F
    pair_guess: F
    pair_slip: F
    pair_learn: F


@dataclass(frozen=True, slots=True, eq=False)
class Solver:
    """Fits the skills of a log in chunks, so that memory is bounded by chunk_responses."""

    sequences: Sequences
    forgets: bool
    tolerance: float
    max_cycles: int
    chunk_responses: int
    progress: Progress

    def plain(
        self,
        *,
        rng: np.random.Generator,
        n_starts: int,
        prior_strength: float,
        pools_skills: bool,
    ) -> SkillRates:
        """Fit one set of rates a skill from the best of n_starts.

        The first start is the middle of the road, the others are drawn. With pools_skills the fit
        is repeated with Beta priors that match the mean and spread of the rates over skills.
        """
        n = self.sequences.n_skills
        starts = self._starts(rng, n_starts)
        pseudo = PseudoCounts(
            **{
                name: np.repeat([[centre], [1 - centre]], n, axis=1) * prior_strength
                for name, centre in _CENTRE.items()
            }
        )
        rates = self._solve(Grouping(), starts, pseudo, n_starts=n_starts)
        if pools_skills:
            pooled = PseudoCounts(
                **{
                    name: self._pooled_counts(getattr(rates, name), prior_strength)
                    for name in _CENTRE
                }
            )
            rates = self._solve(Grouping(), rates, pooled, n_starts=1)
        n_pairs = len(self.sequences.pairs.skill)
        pair_skill = self.sequences.pairs.skill if n_pairs else np.zeros(0, dtype=np.int64)
        return SkillRates(
            prior=rates.prior[:, None],
            guess=rates.guess,
            slip=rates.slip,
            learn=rates.learn,
            forget=rates.forget,
            pair_guess=rates.guess[pair_skill],
            pair_slip=rates.slip[pair_skill],
            pair_learn=rates.learn[pair_skill],
        )

    def refined(self, plain: SkillRates, grouping: Grouping, strength: float) -> SkillRates:
        """Tell rates apart by class and pair, each held to its skill's plain rate.

        The skill's rate counts for as many responses as strength says.
        """
        sequences = self.sequences
        n, pair_skill = sequences.n_skills, sequences.pairs.skill
        n_classes = sequences.n_classes if grouping.by_class else 1
        by_pair = np.concatenate([np.arange(n), pair_skill])
        emission = by_pair if grouping.emission_by_pair else np.arange(n)
        learn = by_pair if grouping.learn_by_pair else np.arange(n)
        start = Rates(
            prior=np.repeat(plain.prior[:, 0], n_classes),
            guess=plain.guess[emission],
            slip=plain.slip[emission],
            learn=plain.learn[learn],
            forget=plain.forget,
        )
        pseudo = PseudoCounts(
            **{name: _towards(getattr(start, name), strength) for name in _CENTRE}
        )
        rates = self._solve(grouping, start, pseudo, n_starts=1)
        return replace(
            plain,
            prior=rates.prior.reshape(n, n_classes),
            guess=rates.guess[:n],
            slip=rates.slip[:n],
            learn=rates.learn[:n],
            forget=rates.forget,
            pair_guess=rates.guess[n:] if grouping.emission_by_pair else rates.guess[pair_skill],
            pair_slip=rates.slip[n:] if grouping.emission_by_pair else rates.slip[pair_skill],
            pair_learn=rates.learn[n:] if grouping.learn_by_pair else rates.learn[pair_skill],
        )

    def _starts(self, rng: np.random.Generator, n_starts: int) -> Rates:
        """Return (n_starts * K,) rates."""
        n = self.sequences.n_skills
        values = {}
        for name, (low, high) in _SPREAD.items():
            drawn = rng.uniform(low, high, size=(n_starts, n))
            drawn[0] = _CENTRE[name]
            values[name] = drawn.ravel()
        if not self.forgets:
            values["forget"] = np.zeros(n_starts * n)
        return Rates(**values)

    def _solve(
        self, grouping: Grouping, start: Rates, pseudo: PseudoCounts, *, n_starts: int
    ) -> Rates:
        """Run every chunk and put its rates in their places; skills without data keep the prior."""
        done = Rates(**{name: _share(getattr(pseudo, name)) for name in _CENTRE})
        if not self.forgets:
            done.forget[:] = 0.0
        n_skills = self.sequences.n_skills
        limit = max(1, self.chunk_responses // n_starts)
        for chunk in chunks(self.sequences, grouping, max_responses=limit):
            place = _places(chunk)
            solution = squarem.run(
                copies(chunk.forest, n_starts),
                Rates(
                    **{
                        name: getattr(start, name).reshape(n_starts, -1)[:, place[name]].ravel()
                        for name in _CENTRE
                    }
                ),
                PseudoCounts(
                    **{
                        name: np.tile(getattr(pseudo, name)[:, place[name]], n_starts)
                        for name in _CENTRE
                    }
                ),
                n_starts=n_starts,
                forgets=self.forgets,
                tolerance=self.tolerance,
                max_cycles=self.max_cycles,
            )
            for name in _CENTRE:
                getattr(done, name)[place[name]] = getattr(solution.rates, name)
            last = int(chunk.skills[-1]) + 1
            self.progress(0.9 * last / n_skills, f"fitted {last} of {n_skills} skills")
        return done

    def _pooled_counts(self, rate: F, least: float) -> F:
        """Return Beta pseudo-counts (2, K) with the mean and spread of a rate over skills."""
        weight = np.bincount(
            self.sequences.skill, np.diff(self.sequences.indptr), self.sequences.n_skills
        ).astype(np.float64)
        mean = float(np.clip(np.average(rate, weights=weight), SMALLEST, 1 - SMALLEST))
        spread = float(np.average((rate - mean) ** 2, weights=weight))
        strength = mean * (1 - mean) / max(spread, 1e-9) - 1
        strength = float(np.clip(strength, least, _MAX_POOLED_STRENGTH))
        return np.repeat([[mean * strength], [(1 - mean) * strength]], len(rate), axis=1)


def population(values: F, weight: F, default: float) -> F:
    """Return the average over skills (first axis), the default where there is no weight."""
    if weight.sum() == 0:
        return np.full(values.shape[1:], default)
    return np.asarray(np.average(values, axis=0, weights=weight))


def _places(chunk: Chunk) -> dict[str, np.typing.NDArray[np.int64]]:
    return {
        "prior": chunk.roots,
        "guess": chunk.emissions,
        "slip": chunk.emissions,
        "learn": chunk.learns,
        "forget": chunk.skills,
    }


def _towards(rate: F, strength: float) -> F:
    return np.stack([rate, 1 - rate]) * strength


def _share(counts: F) -> F:
    return np.asarray(counts[0] / (counts[0] + counts[1]))
