"""What answers say of items and skills: difficulty, discrimination, help, wrong answers. Pure.

Everything counts each learner's first answer to an item, so that no learner counts twice; only
`attempts`, help, times and wrong answers look at every first answer of a showing. The thresholds
are constants here and are printed on the page.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

F = NDArray[np.float64]
Codes = NDArray[np.int64]

# A learner's level is known from so many first answers to other items.
REST_LEAST = 5
# With fewer learners no item is called broken.
FLAG_LEAST = 15
# Nearly nobody: at most this share right, though the skill's other items go at least this well.
NOBODY_SHARE, KNOWN_SHARE = 0.20, 0.45
# A wrong answer that is suspiciously common: this share of all answers, from so many learners.
SAME_WRONG_SHARE, SAME_WRONG_LEAST = 0.4, 8
# A wrong answer is called common, and shown, when at least so many different learners gave it.
COMMON_LEAST = 2
COMMON_SHOWN = 5
Z95 = 1.959964


class ItemFlag(StrEnum):
    """Why an item looks broken, gravest first."""

    EQUIVALENT = "equivalent"
    WRONG_KEY = "wrong_key"
    NEGATIVE = "negative"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the ends of its 95 % interval, and how many learners it rests on."""

    value: float
    lower: float
    upper: float
    n: int


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A wrong answer as it was written: by how many learners, how often, and what it shows."""

    text: str
    n: int
    misconception: str
    times: int = 0
    is_equivalent: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an item or of a skill (`key` is its id in the database).

    `right` is the share of learners whose first answer was right; `discrimination` the correlation
    of that with their level on everything else; `elsewhere` how well the same learners do on the
    skill's other items; `n_right` counts among all attempts. None where too little is known.
    """

    key: int
    attempts: int
    n_right: int
    right: Interval | None
    discrimination: Interval | None
    elsewhere: float | None
    help_share: float | None
    median_seconds: float | None
    wrong: tuple[WrongAnswer, ...] = ()
    n_wrong: int = 0
    flags: tuple[ItemFlag, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ItemLog:
    """Observations in the order they were given, each array (n,): codes are database ids."""

    learner: Codes
    item: Codes
    skill: Codes
    is_right: NDArray[np.bool_]
    is_help: NDArray[np.bool_]
    elapsed_ms: F


def share_interval(n_right: float, n: int) -> Interval | None:
    """Return a share with its Wilson interval."""
    if not n:
        return None
    p, z2 = n_right / n, Z95**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Interval(p, max(middle - half, 0.0), min(middle + half, 1.0), n)


def correlation_interval(r: float, n: int) -> Interval:
    """Return a correlation with Fisher's interval."""
    z, half = math.atanh(min(max(r, -0.999), 0.999)), Z95 / math.sqrt(max(n - 3, 1))
    return Interval(r, math.tanh(z - half), math.tanh(z + half), n)


def facts_by(log: ItemLog, key: Codes) -> dict[int, Facts]:
    """Return the facts of every value of `key` (n,): the items, or the skills."""
    if not len(key):
        return {}
    keys, at = np.unique(key, return_inverse=True)
    _learners, who = np.unique(log.learner, return_inverse=True)
    n_keys = len(keys)
    attempts = np.bincount(at, minlength=n_keys)
    n_right = np.bincount(at, weights=log.is_right, minlength=n_keys)
    helped = np.bincount(at, weights=log.is_help, minlength=n_keys)
    times = _medians(at, log.elapsed_ms, n_keys)
    first = _first_rows(who, log.item)
    at1, who1, x = at[first], who[first], log.is_right[first].astype(np.float64)
    # One value a learner and key: the share right over the learner's first answers to its items.
    n_learners = int(who.max()) + 1
    pair, pair_n, pair_right = _totals(at1 * n_learners + who1, x)
    pair_key, pair_who = pair // n_learners, pair % n_learners
    share = pair_right / pair_n
    total_n = np.bincount(who1, minlength=n_learners)
    total_right = np.bincount(who1, weights=x, minlength=n_learners)
    rest_n = total_n[pair_who] - pair_n
    rest = (total_right[pair_who] - pair_right) / np.maximum(rest_n, 1)
    right_n = np.bincount(pair_key, minlength=n_keys)
    right_sum = np.bincount(pair_key, weights=share, minlength=n_keys)
    r, r_n = _correlations(pair_key, share, rest, rest_n >= REST_LEAST, n_keys)
    elsewhere = _elsewhere(at1, who1, log.skill[first], x, n_keys=n_keys, n_learners=n_learners)
    return {
        int(code): Facts(
            key=int(code),
            attempts=int(attempts[row]),
            n_right=int(n_right[row]),
            right=share_interval(float(right_sum[row]), int(right_n[row])),
            discrimination=None
            if np.isnan(r[row])
            else correlation_interval(float(r[row]), int(r_n[row])),
            elsewhere=None if np.isnan(elsewhere[row]) else float(elsewhere[row]),
            help_share=float(helped[row] / attempts[row]),
            median_seconds=None if np.isnan(times[row]) else float(times[row]) / 1000.0,
        )
        for row, code in enumerate(keys)
    }


def _first_rows(who: Codes, item: Codes) -> Codes:
    """Return the row of each learner's first answer to each item, in order."""
    _items, item_at = np.unique(item, return_inverse=True)
    code = who * (int(item_at.max()) + 1) + item_at
    _pairs, rows = np.unique(code, return_index=True)
    return np.sort(rows).astype(np.int64)


def _totals(code: Codes, x: F) -> tuple[Codes, Codes, F]:
    pairs, at = np.unique(code, return_inverse=True)
    total = np.bincount(at, weights=x).astype(np.float64)
    return pairs, np.bincount(at).astype(np.int64), total


def _medians(at: Codes, ms: F, n_keys: int) -> F:
    known = ~np.isnan(ms)
    at, ms = at[known], ms[known]
    order = np.lexsort((ms, at))
    at, ms = at[order], ms[order]
    begins = np.searchsorted(at, np.arange(n_keys + 1))
    n = np.diff(begins)
    out = np.full(n_keys, np.nan)
    some = n > 0
    low, high = begins[:-1][some] + (n[some] - 1) // 2, begins[:-1][some] + n[some] // 2
    out[some] = (ms[low] + ms[high]) / 2
    return out


def _correlations(
    key: Codes, x: F, y: F, counted: NDArray[np.bool_], n_keys: int
) -> tuple[F, Codes]:
    """Return the correlation of x and y within each key; NaN where either does not vary."""
    key, x, y = key[counted], x[counted], y[counted]
    n = np.bincount(key, minlength=n_keys)
    safe = np.maximum(n, 1)

    def mean(values: F) -> F:
        return np.bincount(key, weights=values, minlength=n_keys) / safe

    dx, dy = x - mean(x)[key], y - mean(y)[key]
    over = np.sqrt(mean(dx * dx) * mean(dy * dy))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where((over > 1e-9) & (n > 3), mean(dx * dy) / over, np.nan)
    return r, n


def _elsewhere(key: Codes, who: Codes, skill: Codes, x: F, *, n_keys: int, n_learners: int) -> F:
    """Return (n_keys,) how well its learners do on other items of the same skill."""
    code = skill * n_learners + who
    _pairs, at = np.unique(code, return_inverse=True)
    n = np.bincount(at)[at] - 1
    right = np.bincount(at, weights=x)[at] - x
    some = n > 0
    count = np.bincount(key[some], minlength=n_keys)
    total = np.bincount(key[some], weights=right[some] / n[some], minlength=n_keys)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@dataclass(frozen=True, slots=True)
class Written:
    """A wrong answer that was written: by whom, and the misconception that it showed."""

    learner: int
    text: str
    misconception: str


def on_one_line(text: str) -> str:
    """Return an answer as lists show it; those that differ in capital letters are one answer."""
    return " ".join(text.split())


def wrong_answers(written: Sequence[Written]) -> tuple[WrongAnswer, ...]:
    """Return the common wrong answers, by how many learners gave each, commonest first.

    One that a single learner gave is not shown: it may be anything, a name too.
    """
    by: dict[str, set[int]] = {}
    shown: dict[str, Counter[str]] = {}
    meant: dict[str, str] = {}
    for one in written:
        text = on_one_line(one.text)
        key = text.casefold()
        by.setdefault(key, set()).add(one.learner)
        shown.setdefault(key, Counter())[text] += 1
        if one.misconception:
            meant[key] = one.misconception
    common = [(len(who), key) for key, who in by.items() if len(who) >= COMMON_LEAST]
    common.sort(key=lambda pair: (-pair[0], pair[1]))
    return tuple(
        WrongAnswer(
            text=shown[key].most_common(1)[0][0],
            n=n,
            misconception=meant.get(key, ""),
            times=shown[key].total(),
        )
        for n, key in common[:COMMON_SHOWN]
    )


def item_flags(
    facts: Facts, *, level_of_commonest: float | None, level: float | None
) -> tuple[ItemFlag, ...]:
    """Return why an item looks broken.

    `level` is the mean level of all who answered it, `level_of_commonest` of those who gave the
    commonest wrong answer: where many who are good at everything else agree, the key is suspect.
    """
    flags = []
    right = facts.right
    if right is None:
        return ()
    if any(wrong.is_equivalent for wrong in facts.wrong):
        flags.append(ItemFlag.EQUIVALENT)
    if right.n < FLAG_LEAST:
        return tuple(flags)
    commonest = facts.wrong[0] if facts.wrong else None
    if (
        commonest is not None
        and commonest.n >= SAME_WRONG_LEAST
        and commonest.times >= max(SAME_WRONG_SHARE * facts.attempts, facts.n_right)
        and level is not None
        and level_of_commonest is not None
        and level_of_commonest > level
    ):
        flags.append(ItemFlag.WRONG_KEY)
    if facts.discrimination is not None and facts.discrimination.upper < 0:
        flags.append(ItemFlag.NEGATIVE)
    if (
        facts.n_right <= NOBODY_SHARE * facts.attempts
        and facts.elsewhere is not None
        and facts.elsewhere >= KNOWN_SHARE
    ):
        flags.append(ItemFlag.NOBODY)
    return tuple(flags)


def levels(log: ItemLog) -> Mapping[int, float]:
    """Return each learner's share right over their first answers, by learner."""
    if not len(log.learner):
        return {}
    learners, who = np.unique(log.learner, return_inverse=True)
    first = _first_rows(who, log.item)
    n = np.bincount(who[first], minlength=len(learners))
    right = np.bincount(who[first], weights=log.is_right[first], minlength=len(learners))
    return dict(zip(learners.tolist(), (right / np.maximum(n, 1)).tolist(), strict=True))
