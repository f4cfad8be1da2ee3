"""Questions about directed graphs of skills, without a database: cycles, order, joined paths."""

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush

import networkx as nx

Edge = tuple[str, str]


def cycles_named(edges: Iterable[Edge]) -> list[list[str]]:
    """Name a shortest cycle through each knot of the graph: `[a, b, a]`; empty when acyclic.

    A knot is a set of nodes that all reach each other; one is listed once, however many cycles it
    holds (there can be exponentially many), so mending what is listed may bring up the next.
    """
    graph: nx.DiGraph[str] = nx.DiGraph(edges)
    named = []
    for knot in nx.strongly_connected_components(graph):
        first = min(knot)
        if len(knot) == 1:
            if graph.has_edge(first, first):
                named.append([first, first])
            continue
        within = graph.subgraph(knot)
        best = min(
            (
                nx.shortest_path(within, follower, first)
                for follower in sorted(within.successors(first))
            ),
            key=len,
        )
        named.append([first, *best])
    return sorted(named)


def topological(nodes: Sequence[str], edges: Iterable[Edge]) -> list[str]:
    """Order nodes so that every edge points forward, otherwise as they were given.

    Edges with an end outside `nodes` are ignored; the rest must be acyclic.
    """
    place = {node: at for at, node in enumerate(nodes)}
    followers: dict[str, list[str]] = {node: [] for node in nodes}
    waiting_for = dict.fromkeys(nodes, 0)
    for source, target in edges:
        if source in place and target in place:
            followers[source].append(target)
            waiting_for[target] += 1
    ready = [place[node] for node in nodes if waiting_for[node] == 0]
    ordered = []
    while ready:
        node = nodes[heappop(ready)]
        ordered.append(node)
        for follower in followers[node]:
            waiting_for[follower] -= 1
            if waiting_for[follower] == 0:
                heappush(ready, place[follower])
    return ordered


def joined(edges: Iterable[Edge], *, kept: Iterable[str]) -> dict[Edge, tuple[str, ...]]:
    """Keep edges among `kept` and join paths that run only through other nodes.

    Gives each kept or joined edge with the nodes it was joined through (none for an edge that
    stands in the graph itself); of several paths a shortest one is named.
    """
    kept_nodes = set(kept)
    followers: dict[str, list[str]] = {}
    for source, target in edges:
        followers.setdefault(source, []).append(target)
    found: dict[Edge, tuple[str, ...]] = {}
    for start in sorted(kept_nodes & set(followers)):
        for end, via in _ends(start, followers, kept_nodes).items():
            if end != start:
                found[start, end] = via
    return found


def _ends(
    start: str, followers: Mapping[str, Sequence[str]], kept: set[str]
) -> dict[str, tuple[str, ...]]:
    ends: dict[str, tuple[str, ...]] = {}
    seen = {start}
    level: list[tuple[str, tuple[str, ...]]] = [(start, ())]
    while level:
        following: list[tuple[str, tuple[str, ...]]] = []
        for node, via in level:
            for target in sorted(followers.get(node, ())):
                if target in kept:
                    ends.setdefault(target, via)
                elif target not in seen:
                    seen.add(target)
                    following.append((target, (*via, target)))
        level = following
    return ends
