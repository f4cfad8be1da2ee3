"""A log cut into one sequence per skill and learner, and skills into chunks that fit in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.bkt.forest import Forest, link_levels
from kt_models.bkt.parameters import F, LearnerClasses
from kt_models.bkt.trie import Codes, build_trie, spread_roots


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The (skill, item) pairs of a log in ascending order, each (n_pairs,); count their entries."""

    skill: Codes
    item: Codes
    count: Codes


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Sequences sorted by skill.

    skill, learner_class (n_sequences,); indptr (n_sequences + 1,) into correct and pair (nnz,),
    which are in time order within a sequence; pair is -1 where no item is known.
    """

    skill: Codes
    learner_class: Codes
    indptr: Codes
    correct: NDArray[np.int8]
    pair: Codes
    pairs: Pairs
    n_skills: int
    n_classes: int


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which rates are told apart: by learner class, guess and slip by pair, learn rate by pair."""

    by_class: bool = False
    emission_by_pair: bool = False
    learn_by_pair: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A forest of some skills, and the places of its groups in the arrays of all skills.

    Group arrays of the whole fit hold the skills first, then the pairs (where told apart); root
    groups are skill * n_classes + class.
    """

    forest: Forest
    skills: Codes
    roots: Codes
    emissions: Codes
    learns: Codes


def make_sequences(data: ResponseArrays, *, classes: LearnerClasses, with_pairs: bool) -> Sequences:
    """Cut merged responses into sequences."""
    # numpy sorts 16-bit codes by radix, several times faster than wider ones.
    narrow = data.skill_index.astype(np.uint16) if data.n_skills < 65_536 else data.skill_index
    order = np.argsort(narrow, kind="stable")
    skill = narrow[order]
    # Where every response has one skill, entries are responses.
    response = order
    if len(data.skill_index) > data.n_responses:
        response = np.repeat(np.arange(data.n_responses), np.diff(data.skill_indptr))[order]
    learner = data.learner[response]
    is_first = np.ones(len(skill), dtype=np.bool_)
    is_first[1:] = (skill[1:] != skill[:-1]) | (learner[1:] != learner[:-1])
    start = np.flatnonzero(is_first)
    pair = np.full(len(skill) if with_pairs else 0, -1, dtype=np.int64)
    empty = np.zeros(0, dtype=np.int64)
    pairs = Pairs(skill=empty, item=empty, count=empty)
    if with_pairs:
        width = len(data.items) + 1
        item = data.item[response].astype(np.int64)
        is_known = item >= 0
        keys, number, count = np.unique(
            skill[is_known].astype(np.int64) * width + item[is_known],
            return_inverse=True,
            return_counts=True,
        )
        pair[is_known] = number
        pairs = Pairs(skill=keys // width, item=keys % width, count=count)
    return Sequences(
        skill=skill[start].astype(np.int64),
        learner_class=_classes_before(data, classes, response[start]),
        indptr=np.append(start, len(skill)),
        correct=data.correct[response],
        pair=pair,
        pairs=pairs,
        n_skills=data.n_skills,
        n_classes=classes.n_classes,
    )


def choose_classes(data: ResponseArrays, *, n_classes: int) -> LearnerClasses:
    """Return classes of about equal size, by the smoothed share of correct answers so far."""
    if n_classes == 1 or data.n_responses == 0:
        return LearnerClasses(edges=np.zeros(0))
    base = LearnerClasses(edges=np.zeros(0), base_rate=float(data.correct.mean()))
    n_correct, n = _totals_before(data)
    rate = (n_correct + base.strength * base.base_rate) / (n + base.strength)
    edges = np.unique(np.quantile(rate, np.arange(1, n_classes) / n_classes))
    return LearnerClasses(edges=edges, base_rate=base.base_rate, strength=base.strength)


def _totals_before(data: ResponseArrays) -> tuple[F, F]:
    """Return (n,) correct answers and answers of the learner before each response."""
    first = np.searchsorted(data.learner, data.learner)
    total = np.concatenate([[0], np.cumsum(data.correct, dtype=np.int64)])
    n_before = np.arange(data.n_responses) - first
    return (total[:-1] - total[first]).astype(np.float64), n_before.astype(np.float64)


def _classes_before(data: ResponseArrays, classes: LearnerClasses, rows: Codes) -> Codes:
    if classes.n_classes == 1:
        return np.zeros(len(rows), dtype=np.int64)
    n_correct, n = _totals_before(data)
    return classes.of(n_correct[rows], n[rows])


def chunks(sequences: Sequences, grouping: Grouping, *, max_responses: int) -> Iterator[Chunk]:
    """Yield forests of consecutive skills with at most max_responses entries (or one skill)."""
    size = np.zeros(sequences.n_skills, dtype=np.int64)
    np.add.at(size, sequences.skill, np.diff(sequences.indptr))
    begin = 0
    while begin < sequences.n_skills:
        total = np.cumsum(size[begin:])
        end = begin + max(1, int(np.searchsorted(total, max_responses, side="right")))
        if total[end - begin - 1] > 0:
            yield _chunk(sequences, grouping, begin, end)
        begin = end


def _chunk(sequences: Sequences, grouping: Grouping, begin: int, end: int) -> Chunk:
    first, last = np.searchsorted(sequences.skill, [begin, end])
    low, high = sequences.indptr[first], sequences.indptr[last]
    skill = sequences.skill[first:last] - begin
    n_classes = sequences.n_classes if grouping.by_class else 1
    root = skill * n_classes
    if grouping.by_class:
        root = root + sequences.learner_class[first:last]
    token = sequences.correct[low:high].astype(np.int64)
    n_groups = 1
    pair_low, pair_high = np.searchsorted(sequences.pairs.skill, [begin, end])
    if grouping.emission_by_pair or grouping.learn_by_pair:
        # Group 0 stands for the skill's own rates, where no item is known.
        group = sequences.pair[low:high] - pair_low + 1
        token = np.where(sequences.pair[low:high] < 0, 0, group) * 2 + token
        n_groups = int(pair_high - pair_low) + 1
    trie = build_trie(root, sequences.indptr[first : last + 1] - low, token, n_tokens=2 * n_groups)
    n = end - begin
    problem = spread_roots(trie) // n_classes
    pair_group = trie.token // 2
    by_pair = np.where(pair_group > 0, n + pair_group - 1, problem)
    own = np.arange(n)
    pair_problem = np.concatenate([own, sequences.pairs.skill[pair_low:pair_high] - begin])
    places = np.concatenate(
        [np.arange(begin, end), sequences.n_skills + np.arange(pair_low, pair_high)]
    )
    forest = Forest(
        parent=trie.parent,
        links=link_levels(trie.parent, trie.level_ptr),
        problem=problem,
        emission=by_pair if grouping.emission_by_pair else problem,
        learn=by_pair if grouping.learn_by_pair else problem,
        is_correct=trie.token % 2 == 1,
        n_through=trie.n_through.astype(np.float64),
        n_end=trie.n_end.astype(np.float64),
        level_ptr=trie.level_ptr,
        root_problem=np.repeat(own, n_classes),
        emission_problem=pair_problem if grouping.emission_by_pair else own,
        learn_problem=pair_problem if grouping.learn_by_pair else own,
        n_problems=n,
    )
    return Chunk(
        forest=forest,
        skills=np.arange(begin, end),
        roots=np.arange(begin * n_classes, end * n_classes),
        emissions=places if grouping.emission_by_pair else np.arange(begin, end),
        learns=places if grouping.learn_by_pair else np.arange(begin, end),
    )
