"""Exact EM for many BKT problems at once, on a forest of shared response prefixes.

A problem is one skill from one start. Source: Corbett and Anderson (1995) for the model; the
scaled forward-backward recursion of Rabiner (1989), with messages summed over the sequences that
share a prefix; SQUAREM of Varadhan and Roland (2008), scheme S3, to speed it up.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from kt_models.bkt.forest import Forest
from kt_models.bkt.parameters import MAX_GUESS_PLUS_SLIP, F
from kt_models.bkt.trie import Codes
from kt_models.errors import FitError

SMALLEST = 1e-4
"""No fitted probability is nearer to 0 or 1 than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """Current values: prior by root group, guess and slip by emission group, learn by learn group,
    forget by problem."""

    prior: F
    guess: F
    slip: F
    learn: F
    forget: F


@dataclass(frozen=True, slots=True, eq=False)
class PseudoCounts:
    """Beta priors as imagined observations (2, groups): of the event, and of its opposite."""

    prior: F
    guess: F
    slip: F
    learn: F
    forget: F


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What the E-step found: log_likelihood (n_problems,), and expected counts by group.

    known[y] and unknown[y] (2, emission groups): responses with correctness y in either state;
    learned, not_learned by learn group; forgot, not_forgot by problem; began_known, began by root.
    """

    log_likelihood: F
    began_known: F
    began: F
    known: F
    unknown: F
    learned: F
    not_learned: F
    forgot: F
    not_forgot: F


def e_step(forest: Forest, rates: Rates) -> Expected:
    """Return the expected counts and log likelihood of every problem at the current rates."""
    right = forest.is_correct
    guess, slip = rates.guess[forest.emission], rates.slip[forest.emission]
    given_known = np.where(right, 1 - slip, slip)
    given_unknown = np.where(right, guess, 1 - guess)
    learn = rates.learn[forest.learn]
    forget = rates.forget[forest.problem]
    scale, unknown_now = _forward(forest, rates.prior, given_known, given_unknown, learn, forget)
    weight_known, weight_unknown = given_known / scale, given_unknown / scale
    ahead_known, ahead_unknown, after_known = _backward(
        forest, weight_known, weight_unknown, learn, forget
    )
    known_now = 1 - unknown_now
    gamma = known_now * after_known
    learned = unknown_now * learn * ahead_known
    stayed_unknown = unknown_now * (1 - learn) * ahead_unknown
    forgot = known_now * forget * ahead_unknown
    stayed_known = known_now * (1 - forget) * ahead_known
    n_emissions, n_learns = len(rates.guess), len(rates.learn)
    first = slice(0, int(forest.level_ptr[1]))
    emission = forest.emission * 2 + right
    known = _totals(emission, gamma, 2 * n_emissions).reshape(n_emissions, 2).T
    total = _totals(emission, forest.n_through, 2 * n_emissions).reshape(n_emissions, 2).T
    n_roots = len(rates.prior)
    log_likelihood = _totals(forest.problem, forest.n_through * np.log(scale), forest.n_problems)
    if not np.isfinite(log_likelihood).all():
        bad = int(np.argmax(~np.isfinite(log_likelihood)))
        raise FitError(f"log likelihood of problem {bad} is {log_likelihood[bad]} in the E-step")
    return Expected(
        log_likelihood=log_likelihood,
        began_known=_totals(forest.parent[first], gamma[first], n_roots),
        began=_totals(forest.parent[first], forest.n_through[first], n_roots),
        known=known,
        unknown=np.maximum(total - known, 0.0),
        learned=_totals(forest.learn, learned, n_learns),
        not_learned=_totals(forest.learn, stayed_unknown, n_learns),
        forgot=_totals(forest.problem, forgot, forest.n_problems),
        not_forgot=_totals(forest.problem, stayed_known, forest.n_problems),
    )


def _totals(group: Codes, weights: F, n_groups: int) -> F:
    return np.asarray(np.bincount(group, weights, n_groups), dtype=np.float64)


def _forward(
    forest: Forest, prior: F, given_known: F, given_unknown: F, learn: F, forget: F
) -> tuple[F, F]:
    """Return P(response | prefix) and P(unknown | prefix with the response), each (n_nodes,).

    The chance of not knowing is carried, not its complement: after a long run of right answers it
    is far below the rounding of numbers near 1, and a run of wrong ones brings it back.
    """
    difference = given_unknown - given_known
    keep = 1 - forget - learn
    scale, posterior = np.empty_like(learn), np.empty_like(learn)
    following = np.empty_like(learn)
    source = 1 - prior
    levels = forest.level_ptr.tolist()
    for begin, end in pairwise(levels):
        unknown = source[forest.parent[begin:end]]
        c = scale[begin:end]
        np.multiply(unknown, difference[begin:end], out=c)
        c += given_known[begin:end]
        unknown *= given_unknown[begin:end]
        unknown /= c
        posterior[begin:end] = unknown
        unknown *= keep[begin:end]
        np.add(unknown, forget[begin:end], out=following[begin:end])
        source = following
    return scale, posterior


def _backward(
    forest: Forest, weight_known: F, weight_unknown: F, learn: F, forget: F
) -> tuple[F, F, F]:
    """Return the summed messages: from later responses (known, unknown), and past learning.

    All (n_nodes,). The third is the message to "known" at the node itself, so that
    posterior * third is the expected number of learners in that state.
    """
    n = len(learn)
    ahead_known, ahead_unknown, after_known = np.zeros(n), np.zeros(n), np.empty(n)
    remember = 1 - forget
    levels = forest.level_ptr.tolist()
    for level in range(len(levels) - 2, -1, -1):
        begin, end = levels[level], levels[level + 1]
        unknown = ahead_unknown[begin:end]
        gain = ahead_known[begin:end] - unknown
        base = unknown + forest.n_end[begin:end]
        known = after_known[begin:end]
        np.multiply(gain, remember[begin:end], out=known)
        known += base
        if level == 0:
            break
        gain *= learn[begin:end]
        gain += base
        gain *= weight_unknown[begin:end]
        owner, first = forest.links.owner[level], forest.links.first[level]
        ahead_known[owner] = np.add.reduceat(known * weight_known[begin:end], first)
        ahead_unknown[owner] = np.add.reduceat(gain, first)
    return ahead_known, ahead_unknown, after_known


def m_step(expected: Expected, pseudo: PseudoCounts, *, forgets: bool) -> Rates:
    """Return the rates that maximise the expected log posterior, guess + slip held below 1."""
    known, unknown = expected.known, expected.unknown
    slip_counts = known + pseudo.slip
    guess_counts = unknown[::-1] + pseudo.guess
    guess, slip = _share(guess_counts), _share(slip_counts)
    is_over = guess + slip > MAX_GUESS_PLUS_SLIP
    if is_over.any():
        guess[is_over], slip[is_over] = _on_the_bound(
            guess_counts[:, is_over], slip_counts[:, is_over]
        )
    learn = _share(np.stack([expected.learned, expected.not_learned]) + pseudo.learn)
    forgot = np.stack([expected.forgot, expected.not_forgot]) + pseudo.forget
    not_began = np.maximum(expected.began - expected.began_known, 0.0)
    return Rates(
        prior=_share(np.stack([expected.began_known, not_began]) + pseudo.prior),
        guess=guess,
        slip=slip,
        learn=learn,
        forget=_share(forgot) if forgets else np.zeros(len(expected.forgot)),
    )


def _share(counts: F) -> F:
    share = counts[0] / np.maximum(counts[0] + counts[1], 1e-300)
    return np.asarray(np.clip(share, SMALLEST, 1 - SMALLEST))


def _on_the_bound(guess_counts: F, slip_counts: F) -> tuple[F, F]:
    """Maximise both log likelihoods with guess + slip = MAX_GUESS_PLUS_SLIP, by bisection."""
    low = np.full(guess_counts.shape[1], SMALLEST)
    high = np.full(guess_counts.shape[1], MAX_GUESS_PLUS_SLIP - SMALLEST)
    for _ in range(50):
        guess = (low + high) / 2
        slip = MAX_GUESS_PLUS_SLIP - guess
        slope = (
            guess_counts[0] / guess
            - guess_counts[1] / (1 - guess)
            - slip_counts[0] / slip
            + slip_counts[1] / (1 - slip)
        )
        low, high = np.where(slope > 0, guess, low), np.where(slope > 0, high, guess)
    guess = (low + high) / 2
    return guess, MAX_GUESS_PLUS_SLIP - guess


def log_prior(forest: Forest, rates: Rates, pseudo: PseudoCounts, *, forgets: bool) -> F:
    """Return (n_problems,) the log density of the Beta priors, up to a constant."""
    problems = (
        (rates.prior, pseudo.prior, forest.root_problem),
        (rates.guess, pseudo.guess, forest.emission_problem),
        (rates.slip, pseudo.slip, forest.emission_problem),
        (rates.learn, pseudo.learn, forest.learn_problem),
    )
    total = np.zeros(forest.n_problems)
    for value, counts, problem in problems:
        density = counts[0] * np.log(value) + counts[1] * np.log1p(-value)
        total += _totals(problem, density, forest.n_problems)
    if forgets:
        counts, value = pseudo.forget, rates.forget
        total += counts[0] * np.log(value) + counts[1] * np.log1p(-value)
    return total
