import json

import pytest

from tests.tutor.content.bundle_case import bundle_make
from tutor.content.errors import ImportRefusedError
from tutor.content.graphs import graph_import
from tutor.content.importing import course_import
from tutor.content.models import EdgeSource, Prerequisite, Skill

pytestmark = pytest.mark.django_db


@pytest.fixture
def course(now):
    bundle = bundle_make()
    bundle["prerequisites"] = [{"from": "add", "to": "carry", "reason": "by hand", "weight": 0.5}]
    return course_import(bundle, by=None, now=now, is_dry_run=False).course


@pytest.fixture
def graphed(course, now):
    def run(nodes, edges, **options):
        course.refresh_from_db()
        document = {
            "nodes": [{"id": node, "title": node} for node in nodes],
            "edges": [{"from": a, "to": b} for a, b in edges],
        }
        options = {"by": None, "now": now, "is_dry_run": False} | options
        return graph_import(document, course=course, **options)

    return run


def edges_now():
    return {
        (e.from_skill.key, e.to_skill.key): (e.source, e.via)
        for e in Prerequisite.objects.select_related("from_skill", "to_skill")
    }


def test_edges_are_kept_joined_or_listed(graphed):
    result = graphed(
        ["add", "carry", "times", "x", "y", "z"],
        [("carry", "x"), ("x", "y"), ("y", "times"), ("add", "carry"), ("times", "z")],
    )
    assert edges_now() == {
        ("add", "carry"): ("authored", []),
        ("carry", "times"): ("imported", ["x", "y"]),
    }
    assert "3 of the graph's 6 skills" in result.notes[0]
    assert "Joined: carry -> times, through x, y." in result.notes
    assert "Left out: times -> z: it leads to no two skills of the course." in result.notes
    assert len(result.notes) == 3
    assert [s.key for s in Skill.objects.order_by("position")] == ["add", "carry", "times"]


def test_what_authors_wrote_is_never_touched(graphed):
    graphed(["add", "carry"], [("add", "carry")])
    edge = Prerequisite.objects.get()
    assert (edge.source, edge.reason, edge.weight) == (EdgeSource.AUTHORED, "by hand", 0.5)


def test_the_same_graph_twice_changes_nothing(graphed):
    first = graphed(["carry", "times"], [("carry", "times")])
    assert first.version == 2
    assert graphed(["carry", "times"], [("carry", "times")]).is_no_op


def test_a_smaller_graph_takes_nothing_away(graphed):
    graphed(["carry", "times"], [("carry", "times")])
    assert graphed(["carry", "times"], []).is_no_op
    assert ("carry", "times") in edges_now()


def test_a_dry_run_writes_nothing(graphed):
    result = graphed(["carry", "times"], [("carry", "times")], is_dry_run=True)
    assert result.counts["prerequisites"]["created"] == 1
    assert ("carry", "times") not in edges_now()


def test_circles_are_refused_by_name_even_among_skills_the_course_lacks(graphed):
    with pytest.raises(ImportRefusedError) as refused:
        graphed(["u", "v", "w"], [("u", "v"), ("v", "u"), ("w", "w")])
    assert [row.value for row in refused.value.errors] == ["u -> v -> u", "w -> w"]


def test_a_circle_with_authored_edges_is_refused(graphed):
    with pytest.raises(ImportRefusedError, match="together with the edges") as refused:
        graphed(["add", "carry"], [("carry", "add")])
    assert "add -> carry -> add" in refused.value.errors[0].message


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ([], ""),
        ({"nodes": {}, "edges": []}, "/nodes"),
        ({"nodes": [{"title": "x"}], "edges": []}, "/nodes/0/id"),
        ({"nodes": [{"id": "a"}, {"id": "a"}], "edges": []}, "/nodes/1/id"),
        ({"nodes": [{"id": "a"}], "edges": [{"from": "a"}]}, "/edges/0"),
        ({"nodes": [{"id": "a"}], "edges": [{"from": "a", "to": "b"}]}, "/edges/0/to"),
        ({"nodes": [{"id": "a"}], "edges": [None]}, "/edges/0"),
    ],
)
def test_malformed_graphs_are_refused_with_their_place(course, now, document, pointer):
    with pytest.raises(ImportRefusedError) as refused:
        graph_import(document, course=course, by=None, now=now, is_dry_run=False)
    assert [row.pointer for row in refused.value.errors] == [pointer]


def test_an_edge_given_twice_counts_once_with_a_warning(graphed):
    result = graphed(["carry", "times"], [("carry", "times"), ("carry", "times")])
    assert [row.pointer for row in result.warnings] == ["/edges/1"]
    assert result.counts["prerequisites"]["created"] == 1


def test_a_real_graph_with_circles_is_refused_by_name(course, data_dir, now):
    file = data_dir / "content" / "graphs" / "khan-2014-10.json"
    if not file.is_file():
        pytest.skip(f"no {file}")
    with pytest.raises(ImportRefusedError) as refused:
        graph_import(
            json.loads(file.read_text()), course=course, by=None, now=now, is_dry_run=False
        )
    paths = [row.value for row in refused.value.errors]
    assert "graphing_points_2 -> graphing_points_2" in paths
    assert "patterns-in-zeros -> understanding_moving_the_decimal -> patterns-in-zeros" in paths
