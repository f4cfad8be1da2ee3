"""The layered drawing of a course's graph."""

import json
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.practice.layout import LABEL_LINES, NODE_HEIGHT, NODE_WIDTH, CourseMap, course_map

Parents = dict[int, list[int]]


@st.composite
def graphs(draw: st.DrawFn) -> Parents:
    size = draw(st.integers(1, 14))
    return {
        skill: sorted(draw(st.sets(st.integers(0, skill - 1), max_size=3))) if skill else []
        for skill in range(size)
    }


def drawn(parents: Parents) -> CourseMap:
    return course_map({skill: f"Skill number {skill}" for skill in parents}, parents)


def corners(picture: CourseMap) -> dict[int, tuple[float, float]]:
    return {place.skill_id: (float(place.x), float(place.y)) for place in picture.places}


def assert_nothing_overlaps(picture: CourseMap, parents: Parents) -> None:
    corner = corners(picture)
    assert set(corner) == set(parents)
    for skill, needed in parents.items():
        for parent in needed:
            assert corner[skill][0] >= corner[parent][0] + NODE_WIDTH
    for (x1, y1), (x2, y2) in pairwise(sorted(corner.values())):
        assert x1 != x2 or y2 - y1 >= NODE_HEIGHT
    for x, y in corner.values():
        assert 0 <= x <= picture.width - NODE_WIDTH
        assert 0 <= y <= picture.height - NODE_HEIGHT


@given(graphs())
def test_every_skill_stands_right_of_what_it_needs_and_no_two_overlap(parents: Parents) -> None:
    assert_nothing_overlaps(drawn(parents), parents)


@given(graphs())
def test_the_same_graph_gives_the_same_drawing(parents: Parents) -> None:
    assert drawn(parents) == drawn(parents)


@given(graphs())
def test_an_edge_runs_from_the_side_of_one_box_to_the_side_of_the_other(parents: Parents) -> None:
    picture = drawn(parents)
    corner = corners(picture)
    for edge in picture.edges:
        x, y = map(float, edge.path[1:].split("C")[0].split())
        assert x == pytest.approx(corner[edge.parent_id][0] + NODE_WIDTH, abs=0.11)
        assert y == pytest.approx(corner[edge.parent_id][1] + NODE_HEIGHT / 2, abs=0.11)
        end_x, end_y = map(float, edge.path.split()[-2:])
        assert end_x == pytest.approx(corner[edge.child_id][0], abs=0.11)
        assert end_y == pytest.approx(corner[edge.child_id][1] + NODE_HEIGHT / 2, abs=0.11)


def test_an_edge_that_a_longer_path_implies_is_not_drawn() -> None:
    picture = drawn({1: [], 2: [1], 3: [1, 2]})
    assert [(edge.parent_id, edge.child_id) for edge in picture.edges] == [(1, 2), (2, 3)]


def test_an_edge_over_a_layer_passes_between_its_boxes() -> None:
    picture = drawn({1: [], 2: [1], 3: [2], 4: [], 5: [4, 3], 6: [4]})
    (over,) = [edge for edge in picture.edges if (edge.parent_id, edge.child_id) == (4, 5)]
    assert over.path.count("H") == 2


def test_a_long_name_is_cut_to_the_lines_that_fit() -> None:
    picture = course_map({1: "Adding and subtracting " * 6}, {1: []})
    assert len(picture.places[0].lines) == LABEL_LINES
    assert picture.places[0].lines[-1].endswith("…")


def test_skills_that_nothing_joins_stand_under_the_drawing_in_a_block() -> None:
    picture = drawn({1: [], 2: [1], 3: [], 4: []})
    corner = corners(picture)
    assert picture.alone_y is not None
    assert min(corner[3][1], corner[4][1]) > float(picture.alone_y) > corner[2][1]
    assert corner[3][1] == corner[4][1]


def test_a_course_without_skills_has_an_empty_map() -> None:
    picture = course_map({}, {})
    assert picture.places == ()


def test_a_graph_of_1351_skills_is_drawn_within_seconds(data_dir: Path) -> None:
    path = data_dir / "content" / "graphs" / "khan-2014-07.json"
    if not path.exists():
        pytest.skip(f"no {path}")
    graph = json.loads(path.read_text())
    titles = {node["id"]: node["title"] for node in graph["nodes"]}
    number = {name: at for at, name in enumerate(titles)}
    parents: Parents = {at: [] for at in number.values()}
    for edge in graph["edges"]:
        parents[number[edge["to"]]].append(number[edge["from"]])
    begin = time.process_time()
    picture = course_map({number[name]: title for name, title in titles.items()}, parents)
    assert time.process_time() - begin < 5
    assert len(picture.places) == 1351
    assert_nothing_overlaps(picture, parents)
