from itertools import pairwise

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from tutor.content.edges import cycles_named, joined, topological

NODES = "abcdefgh"
edge_lists = st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), max_size=20)
# Edges that point forward in the alphabet cannot run in a circle.
acyclic = edge_lists.map(lambda edges: [(a, b) for a, b in edges if a < b])


def test_a_circle_is_named_by_its_path():
    assert cycles_named([("c", "a"), ("a", "b"), ("b", "c"), ("x", "a")]) == [["a", "b", "c", "a"]]


def test_a_self_loop_and_two_knots_are_each_named():
    edges = [("x", "x"), ("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"), ("b", "c")]
    assert cycles_named(edges) == [["a", "b", "a"], ["c", "d", "c"], ["x", "x"]]


@given(edge_lists)
def test_cycles_are_found_just_when_there_are_some(edges):
    graph = nx.DiGraph(edges)
    named = cycles_named(edges)
    assert bool(named) == (not nx.is_directed_acyclic_graph(graph))
    for cycle in named:
        assert cycle[0] == cycle[-1]
        assert all(graph.has_edge(a, b) for a, b in pairwise(cycle))


@given(st.permutations(NODES), acyclic)
def test_the_order_puts_every_edge_forward_and_keeps_everything(nodes, edges):
    ordered = topological(nodes, edges)
    place = {node: at for at, node in enumerate(ordered)}
    assert sorted(ordered) == sorted(nodes)
    assert all(place[a] < place[b] for a, b in edges)


@given(acyclic)
def test_an_order_that_fits_already_is_kept(edges):
    assert topological(NODES, edges) == list(NODES)


def test_paths_through_lacking_nodes_are_joined_and_marked():
    edges = [("a", "x"), ("x", "y"), ("y", "b"), ("a", "b2"), ("b", "z")]
    assert joined(edges, kept={"a", "b", "b2"}) == {("a", "b"): ("x", "y"), ("a", "b2"): ()}


@given(acyclic, st.sets(st.sampled_from(NODES)))
def test_joining_keeps_just_what_is_reached_through_others(edges, kept):
    graph = nx.DiGraph(edges)
    found = joined(edges, kept=kept)
    for a in kept & set(graph):
        for b in kept & set(graph):
            through = graph.subgraph((set(graph) - kept) | {a, b}).copy()
            expected = a != b and nx.has_path(through, a, b)
            assert ((a, b) in found) == expected
    for (a, b), via in found.items():
        steps = [a, *via, b]
        assert not set(via) & kept
        assert all(graph.has_edge(x, y) for x, y in pairwise(steps))
