"""One-step-ahead predictions for whole logs: the online filter, many sequences at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, lookup
from kt_models.bkt.parameters import BKTParameters, F

Codes = NDArray[np.int64]
SECONDS_PER_DAY = 86_400.0
_BLOCK_RESPONSES = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """One entry per response and skill, in response order; all (nnz,) but n_sequences.

    sequence numbers the (learner, skill) pairs; step counts the earlier entries of the sequence;
    guess, slip and learn are those of the entry's pair; prior that of its sequence.
    """

    response: Codes
    skill: Codes
    sequence: Codes
    step: Codes
    gap_days: F
    prior: F
    guess: F
    slip: F
    learn: F
    forget: F
    is_correct: NDArray[np.bool_]
    n_sequences: int


def predict(parameters: BKTParameters, data: ResponseArrays) -> F:
    """Return (n,) P(correct), each from the learner's earlier responses only.

    A response of several skills gets the mean of its skills' probabilities, or the noisy-and of
    the conjunctive variant. Rows that are one response (see ResponseArrays.merged) share a value.
    Learners are taken in blocks, so that memory beyond the log and the result is bounded.
    """
    if data.n_responses == 0:
        return np.zeros(0)
    indptr = data.learner_slices()
    probability = np.empty(data.n_responses)
    begin = 0
    while begin < data.n_responses:
        last = int(np.searchsorted(indptr, begin + _BLOCK_RESPONSES, side="right")) - 1
        end = int(indptr[last])
        if end <= begin:
            # One learner with more responses than a block: where that learner ends.
            end = int(indptr[np.searchsorted(indptr, begin, side="right")])
        whole = begin == 0 and end == data.n_responses
        block = data if whole else data.take(np.arange(begin, end))
        probability[begin:end] = _predict_block(parameters, block)
        begin = end
    return probability


def _predict_block(parameters: BKTParameters, data: ResponseArrays) -> F:
    merged = data.merged()
    responses = merged.data
    entries = make_entries(parameters, responses)
    if parameters.multi_skill == "conjunctive":
        return _predict_conjunctive(parameters, entries, responses)[merged.response]
    per_entry = _predict_each(parameters, entries)
    total = np.add.reduceat(per_entry, responses.skill_indptr[:-1])
    probability: F = total / np.diff(responses.skill_indptr)
    return probability[merged.response]


def pair_rows(parameters: BKTParameters, skill: Codes, item: Codes) -> Codes:
    """Return the row of each (skill, item) in the pair parameters, -1 where it has none."""
    pairs = parameters.pairs
    if len(pairs.skill) == 0:
        return np.full(len(skill), -1, dtype=np.int64)
    width = len(parameters.items) + 1
    keys = pairs.skill * width + pairs.item
    wanted = np.where(item >= 0, skill * width + item, -1)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


def class_of_responses(parameters: BKTParameters, data: ResponseArrays) -> Codes:
    """Return (n,) the learner's class before each response."""
    if parameters.classes.n_classes == 1:
        return np.zeros(data.n_responses, dtype=np.int64)
    first = np.searchsorted(data.learner, data.learner)
    n_before = np.arange(data.n_responses) - first
    total = np.concatenate([[0], np.cumsum(data.correct, dtype=np.int64)])
    n_correct_before = total[:-1] - total[first]
    return parameters.classes.of(n_correct_before.astype(np.float64), n_before.astype(np.float64))


def make_entries(parameters: BKTParameters, data: ResponseArrays) -> Entries:
    """Lay out one entry per response and skill, with the parameters that apply to it."""
    counts = np.diff(data.skill_indptr)
    response = np.repeat(np.arange(data.n_responses), counts)
    n_known = len(parameters.skills)
    codes = lookup(parameters.skills, data.skills).astype(np.int64)
    skill = np.where(codes < 0, n_known, codes)[data.skill_index]
    item_codes = np.append(lookup(parameters.items, data.items), np.int32(-1)).astype(np.int64)
    pair = pair_rows(parameters, skill, item_codes[data.item][response])
    # Unknown skills share parameters, not knowledge: sequences go by the data's own skill code.
    key = data.learner[response].astype(np.int64) * max(data.n_skills, 1) + data.skill_index
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    is_first = np.ones(len(key), dtype=np.bool_)
    is_first[1:] = ranked[1:] != ranked[:-1]
    start = np.flatnonzero(is_first)
    number = np.cumsum(is_first) - 1
    sequence, step = np.empty_like(key), np.empty_like(key)
    sequence[order] = number
    step[order] = np.arange(len(key)) - start[number]
    time = data.time[response]
    gap = np.zeros(len(key))
    gap[order[1:]] = np.where(is_first[1:], 0.0, np.diff(time[order]))
    if data.time_unit == "seconds":
        gap /= SECONDS_PER_DAY
    first_class = class_of_responses(parameters, data)[response[order[start]]]
    first_prior = parameters.prior[skill[order[start]], first_class]
    return Entries(
        response=response,
        skill=skill,
        sequence=sequence,
        step=step,
        gap_days=gap,
        prior=first_prior[sequence],
        guess=_of_pair(parameters.guess[skill], parameters.pairs.guess, pair),
        slip=_of_pair(parameters.slip[skill], parameters.pairs.slip, pair),
        learn=_of_pair(parameters.learn[skill], parameters.pairs.learn, pair),
        forget=parameters.forget[skill],
        is_correct=(data.correct == 1)[response],
        n_sequences=len(start),
    )


def _of_pair(of_skill: F, of_pair: F, pair: Codes) -> F:
    if len(of_pair) == 0:
        return of_skill
    return np.where(pair >= 0, of_pair[pair], of_skill)


def _predict_each(parameters: BKTParameters, entries: Entries) -> F:
    """Step through all sequences at once; every sequence is filtered on its own."""
    order = np.argsort(entries.step, kind="stable")
    stops = np.cumsum(np.bincount(entries.step))
    belief, evidence = _fresh(entries)
    predicted = np.empty(len(order))
    begin = 0
    for stop in stops:
        rows = order[begin:stop]
        begin = int(stop)
        sequence = entries.sequence[rows]
        unknown, count = _age(parameters, entries, rows, belief[sequence], evidence[sequence])
        guess, slip = entries.guess[rows], entries.slip[rows]
        p = (1 - unknown) * (1 - slip) + unknown * guess
        predicted[rows] = p
        right = entries.is_correct[rows]
        joint = unknown * np.where(right, guess, 1 - guess)
        posterior = joint / np.where(right, p, 1 - p)
        belief[sequence] = _learn(parameters, entries, rows, posterior)
        evidence[sequence] = np.minimum(count + 1, parameters.clock.evidence_cap)
    return predicted


def _predict_conjunctive(parameters: BKTParameters, entries: Entries, data: ResponseArrays) -> F:
    """Step through all learners at once; a response ties its skills together."""
    indptr = data.skill_indptr
    first = np.searchsorted(data.learner, data.learner)
    turn = np.arange(data.n_responses) - first
    order = np.argsort(turn, kind="stable")
    stops = np.cumsum(np.bincount(turn))
    belief, evidence = _fresh(entries)
    predicted = np.empty(data.n_responses)
    begin = 0
    for stop in stops:
        responses = order[begin:stop]
        begin = int(stop)
        counts = indptr[responses + 1] - indptr[responses]
        at = np.cumsum(counts) - counts
        rows = np.arange(counts.sum()) + np.repeat(indptr[responses] - at, counts)
        owner = np.repeat(np.arange(len(responses)), counts)
        sequence = entries.sequence[rows]
        unknown, count = _age(parameters, entries, rows, belief[sequence], evidence[sequence])
        slip = np.add.reduceat(entries.slip[rows], at) / counts
        guess = np.add.reduceat(entries.guess[rows], at) / counts
        together = np.multiply.reduceat(1 - unknown, at)
        p = together * (1 - slip) + (1 - together) * guess
        predicted[responses] = p
        right = entries.is_correct[rows]
        # Whoever lacks this skill lacks the whole, whatever is known of the others.
        joint = unknown * np.where(right, guess[owner], 1 - guess[owner])
        posterior = joint / np.where(right, p[owner], 1 - p[owner])
        belief[sequence] = _learn(parameters, entries, rows, posterior)
        evidence[sequence] = np.minimum(count + 1, parameters.clock.evidence_cap)
    return predicted


def _fresh(entries: Entries) -> tuple[F, F]:
    """Return P(unknown) and evidence of sequences that have not begun."""
    unknown = np.empty(entries.n_sequences)
    unknown[entries.sequence] = 1 - entries.prior
    return unknown, np.zeros(entries.n_sequences)


def _age(
    parameters: BKTParameters, entries: Entries, rows: Codes, unknown: F, count: F
) -> tuple[F, F]:
    half_life = parameters.clock.half_life_days
    if half_life is None:
        return unknown, count
    weight = np.exp2(-entries.gap_days[rows] / (half_life * (1 + count)))
    return unknown * weight + (1 - entries.prior[rows]) * (1 - weight), count * weight


def _learn(parameters: BKTParameters, entries: Entries, rows: Codes, unknown: F) -> F:
    forget = entries.forget[rows]
    moved = unknown * (1 - entries.learn[rows]) + (1 - unknown) * forget
    return np.maximum(moved, parameters.least_unknown)
