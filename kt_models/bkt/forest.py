"""The nodes of many BKT problems in one set of arrays, to be copied for starts and cut down."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kt_models.bkt.parameters import F
from kt_models.bkt.trie import Codes

Bools: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Per level, for the backward pass: owner (the parents there are), and where in the level each
    one's children begin."""

    owner: tuple[Codes, ...]
    first: tuple[Codes, ...]


def link_levels(parent: Codes, level_ptr: Codes) -> Links:
    """Return the links of nodes by level; level 0 has no parents to lead from."""
    empty = np.zeros(0, dtype=np.int64)
    owners, firsts = [empty], [empty]
    for begin, end in zip(level_ptr[1:-1].tolist(), level_ptr[2:].tolist(), strict=True):
        of_level = parent[begin:end]
        first = np.flatnonzero(np.diff(of_level, prepend=-1))
        owners.append(of_level[first])
        firsts.append(first)
    return Links(owner=tuple(owners), first=tuple(firsts))


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """The nodes of all problems by level, and the group that each node's rates come from.

    Node arrays (n_nodes,): parent (a node number; the root group at level 0), problem, emission,
    learn, is_correct, n_through, n_end. Nodes of level d are level_ptr[d]:level_ptr[d + 1].
    links lead from parents to children; *_problem give the problem of each group.
    """

    parent: Codes
    links: Links
    problem: Codes
    emission: Codes
    learn: Codes
    is_correct: Bools
    n_through: F
    n_end: F
    level_ptr: Codes
    root_problem: Codes
    emission_problem: Codes
    learn_problem: Codes
    n_problems: int


def copies(forest: Forest, n: int) -> Forest:
    """Return the forest n times over: copy r of problem p is problem r * n_problems + p."""
    if n == 1:
        return forest
    sizes = np.diff(forest.level_ptr)
    level = np.repeat(np.arange(len(sizes)), sizes)
    # Node (level, copy, i) goes to n * level_ptr[level] + copy * size[level] + i.
    place = np.arange(len(level)) - forest.level_ptr[level]
    node = np.concatenate(
        [n * forest.level_ptr[level] + copy * sizes[level] + place for copy in range(n)]
    )
    n_first = int(sizes[0])
    roots, emissions = len(forest.root_problem), len(forest.emission_problem)
    learns, problems = len(forest.learn_problem), forest.n_problems
    parent = np.empty(len(node), dtype=np.int64)
    inside = forest.parent[n_first:]
    for copy in range(n):
        here = node[copy * len(level) : (copy + 1) * len(level)]
        parent[here[:n_first]] = forest.parent[:n_first] + copy * roots
        parent[here[n_first:]] = here[inside]
    source = np.empty(len(node), dtype=np.int64)
    source[node] = np.tile(np.arange(len(level)), n)
    copy_of = np.empty(len(node), dtype=np.int64)
    copy_of[node] = np.repeat(np.arange(n), len(level))
    return Forest(
        parent=parent,
        links=link_levels(parent, forest.level_ptr * n),
        problem=forest.problem[source] + copy_of * problems,
        emission=forest.emission[source] + copy_of * emissions,
        learn=forest.learn[source] + copy_of * learns,
        is_correct=forest.is_correct[source],
        n_through=forest.n_through[source],
        n_end=forest.n_end[source],
        level_ptr=forest.level_ptr * n,
        root_problem=_tile(forest.root_problem, n, problems),
        emission_problem=_tile(forest.emission_problem, n, problems),
        learn_problem=_tile(forest.learn_problem, n, problems),
        n_problems=problems * n,
    )


def _tile(problem: Codes, n: int, n_problems: int) -> Codes:
    return (np.arange(n)[:, None] * n_problems + problem).ravel()


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A forest of some problems, and where its groups were in the one that it came from."""

    forest: Forest
    roots: Codes
    emissions: Codes
    learns: Codes
    problems: Codes


def keep_problems(forest: Forest, is_kept: Bools) -> Kept:
    """Return the forest of the problems that are kept, renumbered in their order."""
    nodes = is_kept[forest.problem]
    number = np.cumsum(nodes) - 1
    ends = np.concatenate([[0], np.cumsum(nodes)])[forest.level_ptr]
    n_levels = int(np.searchsorted(ends, ends[-1]))
    n_first = int(forest.level_ptr[1])
    problem_number = np.cumsum(is_kept) - 1
    groups = {}
    for name in ("root", "emission", "learn"):
        of_group = getattr(forest, f"{name}_problem")
        is_group = is_kept[of_group]
        groups[name] = (is_group, np.cumsum(is_group) - 1, problem_number[of_group[is_group]])
    level_ptr = ends[: n_levels + 1]
    first = forest.parent[:n_first][nodes[:n_first]]
    later = forest.parent[n_first:][nodes[n_first:]]
    parent = np.concatenate([groups["root"][1][first], number[later]])
    kept = Forest(
        parent=parent,
        links=link_levels(parent, level_ptr),
        problem=problem_number[forest.problem[nodes]],
        emission=groups["emission"][1][forest.emission[nodes]],
        learn=groups["learn"][1][forest.learn[nodes]],
        is_correct=forest.is_correct[nodes],
        n_through=forest.n_through[nodes],
        n_end=forest.n_end[nodes],
        level_ptr=level_ptr,
        root_problem=groups["root"][2],
        emission_problem=groups["emission"][2],
        learn_problem=groups["learn"][2],
        n_problems=int(is_kept.sum()),
    )
    return Kept(
        forest=kept,
        roots=np.flatnonzero(groups["root"][0]),
        emissions=np.flatnonzero(groups["emission"][0]),
        learns=np.flatnonzero(groups["learn"][0]),
        problems=np.flatnonzero(is_kept),
    )
