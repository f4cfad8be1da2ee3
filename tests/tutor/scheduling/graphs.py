"""Small graphs for tests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tutor.scheduling.graph_arrays import GraphArrays
from tutor.scheduling.simulation.graphs import arrays_make


@dataclass(frozen=True)
class Graph:
    """Skills 0 to n - 1 with everything that decisions ask of a graph."""

    skill_ids: tuple[int, ...]
    parents: Mapping[int, tuple[int, ...]]
    children: Mapping[int, tuple[int, ...]]
    encompassed: Mapping[int, tuple[tuple[int, float], ...]]
    practisable: frozenset[int]

    @property
    def gates(self) -> Mapping[int, tuple[int, ...]]:
        return self.parents

    def ancestors(self, skill_id: int) -> frozenset[int]:
        found = set(self.parents[skill_id])
        for parent in self.parents[skill_id]:
            found |= self.ancestors(parent)
        return frozenset(found)


def graph_of(n: int, edges: Iterable[tuple[int, int]]) -> Graph:
    """Return a graph of n skills, all practisable."""
    pairs = list(edges)
    return Graph(
        skill_ids=tuple(range(n)),
        parents={k: tuple(a for a, b in pairs if b == k) for k in range(n)},
        children={k: tuple(b for a, b in pairs if a == k) for k in range(n)},
        encompassed=dict.fromkeys(range(n), ()),
        practisable=frozenset(range(n)),
    )


def arrays_of(n: int, edges: Iterable[tuple[int, int]]) -> GraphArrays:
    """Return the arrays of n skills; edges must point forward."""
    return arrays_make([f"{k:03}" for k in range(n)], [(f"{a:03}", f"{b:03}") for a, b in edges])
