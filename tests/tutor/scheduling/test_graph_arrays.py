"""The graph as arrays says what walking through the graph says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tutor.scheduling.graphs import Graph, arrays_of, graph_of
from tutor.scheduling.graph_arrays import bits_of, bits_read, counts_within, graph_arrays


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    n = draw(st.integers(1, 80))
    pairs = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=40))
    return graph_of(n, sorted({(min(p), max(p)) for p in pairs if p[0] != p[1]}))


@given(graphs())
def test_ancestors_and_descendants_are_what_a_walk_finds(graph: Graph) -> None:
    arrays = graph_arrays(graph)
    for row in range(arrays.n):
        before = set(np.flatnonzero(bits_read(arrays.ancestors[row], arrays.n)).tolist())
        assert before == graph.ancestors(row)
        after = set(np.flatnonzero(bits_read(arrays.descendants[row], arrays.n)).tolist())
        assert after == {k for k in range(arrays.n) if row in graph.ancestors(k)}


@given(graphs(), st.data())
def test_a_closure_holds_the_targets_and_everything_before_them(
    graph: Graph, data: st.DataObject
) -> None:
    arrays = graph_arrays(graph)
    targets = data.draw(st.sets(st.integers(0, arrays.n + 3), max_size=4))
    expected = set().union(*({k} | graph.ancestors(k) for k in targets if k < arrays.n))
    assert set(np.flatnonzero(arrays.closure(targets)).tolist()) == expected


@given(graphs())
def test_the_order_puts_every_skill_after_what_it_builds_on(graph: Graph) -> None:
    arrays = graph_arrays(graph)
    place = np.argsort(arrays.order)
    assert sorted(arrays.order.tolist()) == list(range(arrays.n))
    assert (place[arrays.edge_parent] < place[arrays.edge_child]).all()
    assert (arrays.depth[arrays.edge_parent] < arrays.depth[arrays.edge_child]).all()


@given(st.lists(st.lists(st.booleans(), min_size=130, max_size=130), min_size=1, max_size=3))
def test_bits_are_read_as_written(rows: list[list[bool]]) -> None:
    masks = np.array(rows)
    assert all(
        (bits_read(bits, 130) == mask).all()
        for bits, mask in zip(bits_of(masks), masks, strict=True)
    )


def test_counts_are_of_members_that_are_chosen() -> None:
    sets = bits_of(np.array([[True] * 100, [False] * 99 + [True]]))
    chosen = bits_of(np.array([[False] * 98 + [True, True]]))
    found = counts_within(sets, chosen, who=np.array([0, 0]), rows=np.array([0, 1]))
    assert found.tolist() == [2, 1]


def test_a_circle_is_refused_by_name() -> None:
    arrays = replace(
        arrays_of(2, [(0, 1)]), edge_parent=np.array([0, 1]), edge_child=np.array([1, 0])
    )
    with pytest.raises(ValueError, match="circle through or before skill 0"):
        _ = arrays.order


def test_arrays_are_made_once_for_a_graph() -> None:
    graph = graph_of(3, [(0, 1)])
    assert graph_arrays(graph) is graph_arrays(graph)
