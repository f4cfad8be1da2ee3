"""The filter's arithmetic in numpy: what one gap and one answer do to the beliefs of a learner.

Given the traits (one particle), a learner's knowledge is Gaussian and kept as

    level   mu ~ N(m, v)                         the long-run level
    skill   z | mu ~ N(a + b mu, r)              independent of other skills given mu

so a skill costs three numbers a particle. One answer bears on x, the mean of the practised z plus
an offset; its sigmoid likelihood is replaced by the Gaussian with the same first two moments
(assumed-density filtering), after which the form above is exact again for one practised skill.
For several at once, and for a child with its parents, the correlation that is left given mu is
dropped; docs/psi-kt.md says what that costs. Every array ends in the particles (..., P).

Source: Zhou et al. (2024), section 3, for the model; the filter is ours.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F = NDArray[np.float64]

N_NODES = 12
LEAST_VARIANCE = 1e-10
LEAST_LIKELIHOOD = 1e-290
# The answer may take this share of the variance of x and no more: rounding never makes it negative.
MOST_SHRINKAGE = 1.0 - 1e-9


def _gauss_hermite() -> tuple[F, F]:
    """Return nodes and weights of the standard normal."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(N_NODES)
    return nodes, weights / weights.sum()


NODES, NODE_WEIGHTS = _gauss_hermite()


class Traits(NamedTuple):
    """Trait points (P,): decay alpha (1/day), spread sigma^2 / (2 alpha), transfer gamma."""

    alpha: F
    spread: F
    gamma: F


class Knowledge(NamedTuple):
    """z | mu ~ N(a + b mu, r), each (..., P)."""

    a: F
    b: F
    r: F


class Level(NamedTuple):
    """mu ~ N(m, v), each (..., P)."""

    m: F
    v: F


class Response(NamedTuple):
    """x | mu ~ N(a + b mu, r), and its own mean and variance; each (..., P)."""

    a: F
    b: F
    r: F
    mean: F
    variance: F


def carry(before: Knowledge, pull: Knowledge, traits: Traits, gap_days: F) -> Knowledge:
    """Let gap_days (..., 1) pass: z decays towards mu plus the parents' pull.

    Source: Zhou et al. (2024), the Ornstein-Uhlenbeck transition.
    """
    rate = traits.alpha * gap_days
    stay, leave = np.exp(-rate), -np.expm1(-rate)
    noise = traits.spread * -np.expm1(-2.0 * rate)
    return Knowledge(
        a=stay * before.a + leave * pull.a,
        b=stay * before.b + leave * (1.0 + pull.b),
        r=stay**2 * before.r + leave**2 * pull.r + noise,
    )


class Start(NamedTuple):
    """A skill before its first answer: N(mean, variance), around the target where at_target."""

    mean: float
    variance: float
    at_target: bool


def revisit(
    before: Knowledge,
    pull: Knowledge,
    traits: Traits,
    start: Start,
    *,
    gap_days: F,
    is_new: NDArray[np.bool_],
) -> Knowledge:
    """Bring skills to the present: practised ones, and those that is_new (..., 1).

    A new skill's `before` is the start itself and its gap that since the learner's first answer;
    where the start is at the target, it is drawn there and then, whatever the gap.
    """
    carried = carry(before, pull, traits, gap_days)
    if not start.at_target:
        return carried
    begun = begin_at(pull, start)
    return Knowledge(*(np.where(is_new, new, old) for new, old in zip(begun, carried, strict=True)))


def begin_at(pull: Knowledge, start: Start) -> Knowledge:
    """Return a skill that begins at its target, at its first answer."""
    return Knowledge(a=start.mean + pull.a, b=1.0 + pull.b, r=start.variance + pull.r)


def respond(known: Knowledge, share: F, level: Level, offset: F) -> Response:
    """Return x = sum of share (..., S, 1) times z (..., S, P), plus offset (..., 1)."""
    a = (share * known.a).sum(axis=-2) + offset
    b = (share * known.b).sum(axis=-2)
    r = (share**2 * known.r).sum(axis=-2)
    mean = a + b * level.m
    variance = np.maximum(b**2 * level.v + r, LEAST_VARIANCE)
    return Response(a=a, b=b, r=r, mean=mean, variance=variance)


def sigmoid(x: F) -> F:
    """Return 1 / (1 + exp(-x)), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def p_of_normal(mean: F, scale: F) -> F:
    """Return P(correct), any shape, where the log odds are normal with this mean and scale."""
    x = scale[..., None] * (0.5 * NODES)
    x += (0.5 * mean)[..., None]
    # The weights sum to one: the mean of a sigmoid is half of one plus the mean of a tanh.
    return np.asarray(0.5 * (1.0 + np.tanh(x, out=x) @ NODE_WEIGHTS))


def p_correct(response: Response) -> F:
    """Return (..., P) the probability of a right answer."""
    x = response.mean[..., None] + np.sqrt(response.variance)[..., None] * NODES
    return sigmoid(x) @ NODE_WEIGHTS


def learn(
    known: Knowledge, share: F, level: Level, response: Response, sign: F
) -> tuple[Knowledge, Level, F]:
    """Return knowledge, level and log likelihood after an answer; sign (..., 1) is +1 or -1."""
    scale = np.sqrt(response.variance)
    x = response.mean[..., None] + scale[..., None] * NODES
    likelihood = sigmoid(sign[..., None] * x) * NODE_WEIGHTS
    total = np.maximum(likelihood.sum(axis=-1), LEAST_LIKELIHOOD)
    first = (likelihood @ NODES) / total
    second = (likelihood @ NODES**2) / total
    shrinkage = np.clip(1.0 - second + first**2, 0.0, MOST_SHRINKAGE)
    # The answer as a Gaussian site on x: slope and curvature of the log likelihood of the moments.
    slope = first / scale
    precision = shrinkage / (1.0 - shrinkage) / response.variance
    gain = share * known.r / (1.0 + precision * response.r)[..., None, :]
    push = slope * (1.0 + precision * response.variance)
    push = push + precision * (response.mean - response.a)
    after = Knowledge(
        a=known.a + gain * push[..., None, :],
        b=known.b - gain * (precision * response.b)[..., None, :],
        r=known.r - share * known.r * gain * precision[..., None, :],
    )
    covariance = response.b * level.v
    level = Level(
        m=level.m + covariance * slope,
        v=level.v - covariance**2 * shrinkage / response.variance,
    )
    return after, level, np.log(total)


def drift_weights(log_weights: F, share: F | float) -> F:
    """Return log weights (..., P), normalised, after traits were drawn anew with this chance."""
    weights = np.exp(log_weights - log_weights.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    weights = (1.0 - share) * weights + share / weights.shape[-1]
    return np.asarray(np.log(weights))
