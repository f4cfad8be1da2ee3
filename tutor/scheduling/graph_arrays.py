"""A course's graph as arrays and bit sets, so that a choice costs no walk through the graph.

Nothing here knows Django, the clock or a random source. Rows follow the graph's `skill_ids`.
"""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeAlias
from weakref import ReferenceType, ref

import numpy as np
from numpy.typing import NDArray

Bits: TypeAlias = NDArray[np.uint64]
Mask: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.int64]
F: TypeAlias = NDArray[np.float64]

WORD = 64


class SkillGraph(Protocol):
    """The part of a course's graph that decisions need; mappings have a key for every skill.

    `practisable` skills have a step; `gates` are a skill's nearest prerequisites that have one.
    """

    @property
    def skill_ids(self) -> tuple[int, ...]: ...
    @property
    def parents(self) -> Mapping[int, tuple[int, ...]]: ...
    @property
    def children(self) -> Mapping[int, tuple[int, ...]]: ...
    @property
    def encompassed(self) -> Mapping[int, tuple[tuple[int, float], ...]]: ...
    @property
    def practisable(self) -> AbstractSet[int]: ...
    @property
    def gates(self) -> Mapping[int, tuple[int, ...]]: ...
    def ancestors(self, skill_id: int) -> frozenset[int]: ...


@dataclass(frozen=True, eq=False)
class GraphArrays:
    """A graph of n skills. Edges are pairs of rows; bit sets are (n, n / 64 rounded up) words.

    `gate_*` join a skill to its nearest practisable prerequisites, ordered by child. `cover_*` say
    that practising `cover_harder` also practises `cover_easier`, with a weight.
    """

    skill_ids: tuple[int, ...]
    is_practisable: Mask
    edge_parent: Rows
    edge_child: Rows
    gate_parent: Rows
    gate_child: Rows
    cover_harder: Rows
    cover_easier: Rows
    cover_weight: F

    @property
    def n(self) -> int:
        """How many skills there are."""
        return len(self.skill_ids)

    @cached_property
    def row_of(self) -> dict[int, int]:
        """Where each skill stands."""
        return {skill: row for row, skill in enumerate(self.skill_ids)}

    @cached_property
    def gated(self) -> tuple[Rows, Rows]:
        """The rows that have gates, and where each one's gates begin in `gate_parent`."""
        return np.unique(self.gate_child, return_index=True)

    @cached_property
    def gates_padded(self) -> Rows:
        """Each skill's gates, (n, most gates), -1 after the last."""
        return padded(self.gate_child, self.gate_parent, self.n)

    @cached_property
    def parents_padded(self) -> Rows:
        """Each skill's prerequisites, (n, most prerequisites), -1 after the last."""
        return padded(self.edge_child, self.edge_parent, self.n)

    @cached_property
    def order(self) -> Rows:
        """Rows in topological order, otherwise in the course's. Raises: ValueError on a cycle."""
        followers: list[list[int]] = [[] for _ in range(self.n)]
        waiting_for = np.bincount(self.edge_child, minlength=self.n)
        for parent, child in zip(self.edge_parent.tolist(), self.edge_child.tolist(), strict=True):
            followers[parent].append(child)
        ordered = np.flatnonzero(waiting_for == 0).tolist()
        for row in ordered:
            for child in followers[row]:
                waiting_for[child] -= 1
                if waiting_for[child] == 0:
                    ordered.append(child)
        if len(ordered) < self.n:
            stuck = self.skill_ids[int(np.argmax(waiting_for > 0))]
            raise ValueError(f"prerequisites run in a circle through or before skill {stuck}")
        return np.array(ordered, dtype=np.int64)

    @cached_property
    def depth(self) -> Rows:
        """How many prerequisites the longest path to each skill has, (n,)."""
        depth = np.zeros(self.n, dtype=np.int64)
        by_parent = np.argsort(np.argsort(self.order)[self.edge_parent], kind="stable")
        for edge in by_parent.tolist():
            child = self.edge_child[edge]
            depth[child] = max(depth[child], depth[self.edge_parent[edge]] + 1)
        return depth

    @cached_property
    def descendants(self) -> Bits:
        """What is built on each skill at any distance, as bit sets."""
        return self._closed(self.edge_parent, self.edge_child, self.order[::-1])

    @cached_property
    def ancestors(self) -> Bits:
        """What each skill is built on at any distance, as bit sets."""
        return self._closed(self.edge_child, self.edge_parent, self.order)

    def _closed(self, owner: Rows, member: Rows, order: Rows) -> Bits:
        sets = np.zeros((self.n, words_of(self.n)), dtype=np.uint64)
        members: list[list[int]] = [[] for _ in range(self.n)]
        for a, b in zip(owner.tolist(), member.tolist(), strict=True):
            members[a].append(b)
        for row in order.tolist():
            for other in members[row]:
                sets[row] |= sets[other]
                sets[row, other // WORD] |= np.uint64(1 << (other % WORD))
        return sets

    def closure(self, targets: Collection[int]) -> Mask:
        """Return (n,) the target skills and everything before them; unknown ids are left out."""
        mask = np.zeros(self.n, dtype=np.bool_)
        rows = [self.row_of[skill] for skill in targets if skill in self.row_of]
        if rows:
            mask |= bits_read(np.bitwise_or.reduce(self.ancestors[rows], axis=0), self.n)
            mask[rows] = True
        return mask

    def without_edges(self) -> "GraphArrays":
        """Return the same skills with no relation among them."""
        none = np.zeros(0, dtype=np.int64)
        return GraphArrays(
            skill_ids=self.skill_ids,
            is_practisable=self.is_practisable,
            edge_parent=none,
            edge_child=none,
            gate_parent=none,
            gate_child=none,
            cover_harder=none,
            cover_easier=none,
            cover_weight=np.zeros(0),
        )


def padded(owner: Rows, member: Rows, n: int) -> Rows:
    """Return (n, most) the members of each owner in order, -1 after the last."""
    counts = np.bincount(owner, minlength=n)
    table = np.full((n, max(int(counts.max(initial=0)), 1)), -1, dtype=np.int64)
    order = np.argsort(owner, kind="stable")
    begins = np.cumsum(counts) - counts
    place = np.arange(len(owner)) - begins[owner[order]]
    table[owner[order], place] = member[order]
    return table


def words_of(n: int) -> int:
    """Return how many words a set of n bits takes."""
    return -(-n // WORD)


def bits_of(mask: Mask) -> Bits:
    """Return a mask (..., n) as bit sets (..., words)."""
    n = mask.shape[-1]
    padded = np.zeros((*mask.shape[:-1], words_of(n) * WORD), dtype=np.bool_)
    padded[..., :n] = mask
    packed = np.packbits(padded, axis=-1, bitorder="little")
    return packed.view(np.dtype("<u8")).astype(np.uint64, copy=False)


def bits_read(bits: Bits, n: int) -> Mask:
    """Return bit sets (..., words) as masks (..., n)."""
    raw = bits.astype("<u8").view(np.uint8)
    return np.unpackbits(raw, axis=-1, count=n, bitorder="little").astype(np.bool_)


_kept: dict[int, tuple[ReferenceType[object], GraphArrays]] = {}


def graph_arrays(graph: SkillGraph) -> GraphArrays:
    """Return a graph as arrays; made once for as long as the graph object lives."""
    key = id(graph)
    found = _kept.get(key)
    if found is not None and found[0]() is graph:
        return found[1]
    arrays = _arrays_make(graph)

    def forget(_: ReferenceType[object]) -> None:
        _kept.pop(key, None)

    _kept[key] = (ref(graph, forget), arrays)
    return arrays


def _arrays_make(graph: SkillGraph) -> GraphArrays:
    row_of = {skill: row for row, skill in enumerate(graph.skill_ids)}
    covers = [
        (row_of[harder], row_of[easier], weight)
        for harder in graph.skill_ids
        for easier, weight in graph.encompassed[harder]
    ]
    edge_parent, edge_child = _edges(graph.parents, row_of)
    gate_parent, gate_child = _edges(graph.gates, row_of)
    return GraphArrays(
        skill_ids=tuple(graph.skill_ids),
        is_practisable=np.array([skill in graph.practisable for skill in graph.skill_ids]),
        edge_parent=edge_parent,
        edge_child=edge_child,
        gate_parent=gate_parent,
        gate_child=gate_child,
        cover_harder=np.array([cover[0] for cover in covers], dtype=np.int64),
        cover_easier=np.array([cover[1] for cover in covers], dtype=np.int64),
        cover_weight=np.array([cover[2] for cover in covers], dtype=np.float64),
    )


def _edges(before: Mapping[int, tuple[int, ...]], row_of: Mapping[int, int]) -> tuple[Rows, Rows]:
    pairs = sorted(
        (row_of[child], row_of[parent]) for child, parents in before.items() for parent in parents
    )
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 1].copy(), both[:, 0].copy()


def gates_min(arrays: GraphArrays, values: F) -> F:
    """Return (learners, n) the least value among each skill's gates; 1 where it has none."""
    least = np.ones(values.shape)
    rows, begins = arrays.gated
    if len(rows):
        least[:, rows] = np.minimum.reduceat(values[:, arrays.gate_parent], begins, axis=1)
    return least


def counts_within(sets: Bits, chosen: Bits, *, who: Rows, rows: Rows) -> NDArray[np.int64]:
    """Return (m,) how many members of the set of each row are among those chosen of each learner.

    sets (n, words); chosen (n_learners, words); who, rows (m,).
    """
    counts = np.zeros(len(who), dtype=np.int64)
    for word in range(sets.shape[1]):
        counts += np.bitwise_count(chosen[who, word] & sets[rows, word])
    return counts
