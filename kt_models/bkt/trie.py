"""Response sequences as a forest of shared prefixes: equal beginnings are computed once.

Two learners who answered the first steps of a skill alike have the same belief until they part, so
the forward pass needs one node per distinct prefix. The backward pass adds up the messages of all
sequences that go through a node. On real logs this leaves a fraction of the responses to compute.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Trie:
    """Nodes by level (all first responses, then all second ones, ...); children are adjacent.

    parent, token, n_through and n_end are (n_nodes,); nodes of level d are
    level_ptr[d]:level_ptr[d + 1]. parent is the node number of the shorter prefix, the root code
    for nodes of level 0. n_through counts the sequences with this prefix, n_end those equal to it.
    """

    parent: Codes
    token: Codes
    n_through: Codes
    n_end: Codes
    level_ptr: Codes

    @property
    def n_nodes(self) -> int:
        """Return the number of distinct prefixes."""
        return len(self.parent)


def build_trie(root: Codes, indptr: Codes, token: Codes, *, n_tokens: int) -> Trie:
    """Return the forest of S sequences.

    root (S,) starts sequence s in the tree of its root code; its tokens, 0 to n_tokens - 1, are
    token[indptr[s]:indptr[s + 1]], at least one.
    """
    length = np.diff(indptr)
    order = np.argsort(-length, kind="stable")
    start, node = indptr[:-1][order], root[order]
    n_active = np.searchsorted(-length[order], -np.arange(1, int(length.max()) + 1), side="right")
    parents, tokens, through, ends, level_ptr = [], [], [], [], [0]
    base = 0
    for depth, n in enumerate(n_active.tolist()):
        key = node[:n] * n_tokens + token[start[:n] + depth]
        present, number, counts = _unique(key)
        n_next = int(n_active[depth + 1]) if depth + 1 < len(n_active) else 0
        parent, label = np.divmod(present, n_tokens)
        parents.append(parent + base)
        tokens.append(label)
        through.append(counts)
        ends.append(np.bincount(number[n_next:], minlength=len(present)))
        base = level_ptr[-1]
        level_ptr.append(base + len(present))
        node = number
    return Trie(
        parent=np.concatenate(parents),
        token=np.concatenate(tokens),
        n_through=np.concatenate(through),
        n_end=np.concatenate(ends),
        level_ptr=np.array(level_ptr, dtype=np.int64),
    )


def _unique(key: Codes) -> tuple[Codes, Codes, Codes]:
    """Return the sorted distinct keys, the number of each key among them, and their counts."""
    top = int(key.max()) + 1
    if top > 8 * len(key) + 1024:
        present, number, counts = np.unique(key, return_inverse=True, return_counts=True)
        return present, number, counts
    counts = np.bincount(key, minlength=top)
    present = np.flatnonzero(counts)
    rank = np.empty(top, dtype=np.int64)
    rank[present] = np.arange(len(present))
    return present, rank[key], counts[present]


def spread_roots(trie: Trie) -> Codes:
    """Return (n_nodes,) the root code above each node."""
    root = np.empty(trie.n_nodes, dtype=np.int64)
    levels = trie.level_ptr.tolist()
    root[: levels[1]] = trie.parent[: levels[1]]
    for begin, end in pairwise(levels[1:]):
        root[begin:end] = root[trie.parent[begin:end]]
    return root
