"""The demo course is one sound bundle: ids, references, graph, texts that can be shown."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from tutor.content.demo.assemble import FOLDER, DemoFileError, demo_bundle
from tutor.content.text import formulas_unrenderable
from tutor.content.validation import bundle_check
from tutor.grading.answers import KINDS
from tutor.grading.variants import document_render, template_names

BUNDLE = demo_bundle()
SKILLS = [skill["id"] for skill in BUNDLE["skills"]]
STEPS = [(problem, step) for problem in BUNDLE["problems"] for step in problem["steps"]]
GUIDE = Path(__file__).parents[4] / "docs" / "authoring.md"
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,119}")


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for child in node:
            yield from _texts(child)
    elif isinstance(node, dict):
        for key, child in node.items():
            if key not in {"variables", "constraints"}:
                yield from _texts(child)


def _prerequisites() -> "nx.DiGraph[str]":
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(SKILLS)
    graph.add_edges_from(
        (edge["from"], edge["to"])
        for edge in BUNDLE["prerequisites"]
        if edge["kind"] == "prerequisite"
    )
    return graph


def test_ids_are_well_formed_and_unique_per_kind() -> None:
    for kind in ("skills", "lessons", "problems"):
        ids = [item["id"] for item in BUNDLE[kind]]
        assert all(ID.fullmatch(id_) for id_ in ids)
        assert len(set(ids)) == len(ids)
    step_ids = [step["id"] for _, step in STEPS]
    assert len(set(step_ids)) == len(step_ids)
    for _, step in STEPS:
        for items in (step["hints"], step.get("choices", [])):
            ids = [item["id"] for item in items]
            assert len(set(ids)) == len(ids), step["id"]


def test_every_reference_names_something_that_is_there() -> None:
    lessons = {lesson["id"] for lesson in BUNDLE["lessons"]}
    assert {problem["lesson"] for problem in BUNDLE["problems"]} == lessons
    named = {skill for lesson in BUNDLE["lessons"] for skill in lesson["skills"]}
    named |= {skill for _, step in STEPS for skill in step["skills"]}
    named |= {edge[end] for edge in BUNDLE["prerequisites"] for end in ("from", "to")}
    assert named == set(SKILLS)


def test_the_prerequisites_are_acyclic_connected_and_none_is_implied_by_others() -> None:
    graph = _prerequisites()
    assert nx.is_directed_acyclic_graph(graph)
    assert nx.is_weakly_connected(graph)
    assert set(nx.transitive_reduction(graph).edges) == set(graph.edges)


def test_a_step_shows_only_what_its_lesson_builds_on() -> None:
    graph = _prerequisites()
    taught = {lesson["id"]: lesson["skills"][0] for lesson in BUNDLE["lessons"]}
    for problem, step in STEPS:
        own = taught[problem["lesson"]]
        assert set(step["skills"]) <= {own} | nx.ancestors(graph, own), step["id"]


def test_practising_a_skill_also_practises_only_what_it_builds_on() -> None:
    graph = _prerequisites()
    for edge in BUNDLE["prerequisites"]:
        if edge["kind"] == "encompassing":
            assert edge["from"] in nx.ancestors(graph, edge["to"]), edge


def test_the_guide_counts_the_problems_and_their_kinds_of_answers() -> None:
    kinds = Counter(step["answer"]["kind"] for _, step in STEPS)
    guide = " ".join(GUIDE.read_text(encoding="utf-8").split())
    assert f"{len(BUNDLE['problems'])} in all. Their {len(STEPS)} steps ask for" in guide
    told = ", ".join(f"{count} × {kind}" for kind, count in kinds.most_common())
    assert told in guide, told


def test_the_guide_tells_the_length_and_width_of_the_graph() -> None:
    graph = _prerequisites()
    closure = nx.transitive_closure_dag(graph)
    pairs: nx.Graph[tuple[str, str]] = nx.Graph()
    pairs.add_nodes_from(("from", skill) for skill in SKILLS)
    pairs.add_edges_from((("from", a), ("to", b)) for a, b in closure.edges)
    # Dilworth: the largest set without a path between two of it is as large as the smallest
    # number of chains that hold all, and that is the number of skills less a largest matching.
    matched = nx.bipartite.hopcroft_karp_matching(pairs, [("from", skill) for skill in SKILLS])
    told = (
        f"{len(SKILLS)} skills, {graph.number_of_edges()} prerequisite edges, longest chain "
        f"{len(nx.dag_longest_path(graph))}, width {len(SKILLS) - len(matched) // 2}"
    )
    assert told in " ".join(GUIDE.read_text(encoding="utf-8").split()), told


def test_every_edge_has_a_reason_and_none_is_repeated() -> None:
    edges = [(edge["from"], edge["to"], edge["kind"]) for edge in BUNDLE["prerequisites"]]
    assert len(set(edges)) == len(edges)
    for edge in BUNDLE["prerequisites"]:
        assert edge["reason"].endswith("."), edge
        assert "\n" not in edge["reason"]
        assert 0 < edge["weight"] <= 1
    assert any(kind == "encompassing" for *_, kind in edges)


def test_lessons_come_after_the_lessons_of_what_they_need() -> None:
    order = {lesson["skills"][0]: lesson["order"] for lesson in BUNDLE["lessons"]}
    for before, after in _prerequisites().edges:
        assert order[before] < order[after], (before, after)


@pytest.mark.parametrize("skill", SKILLS)
def test_a_skill_has_a_lesson_with_an_example_and_problems_of_three_kinds(skill: str) -> None:
    lesson = next(lesson for lesson in BUNDLE["lessons"] if skill in lesson["skills"])
    assert all(len(example["steps"]) >= 2 for example in lesson["worked_examples"])
    assert lesson["worked_examples"]
    problems = [p for p in BUNDLE["problems"] if p["lesson"] == lesson["id"]]
    assert len(problems) >= 4
    assert all(any(skill in step["skills"] for step in p["steps"]) for p in problems)
    assert len({p["steps"][0]["answer"]["kind"] for p in problems}) >= 3


def test_the_course_shows_every_answer_kind_and_every_fraction_form() -> None:
    assert {step["answer"]["kind"] for _, step in STEPS} == set(KINDS)
    forms = {s["answer"].get("form", "any") for _, s in STEPS if s["answer"]["kind"] == "fraction"}
    assert forms == {"any", "lowest", "improper", "mixed"}


def test_every_step_has_two_to_four_hints_and_a_solution() -> None:
    for _, step in STEPS:
        assert 2 <= len(step["hints"]) <= 4, step["id"]
        assert step["solution"], step["id"]
        for hint in step["hints"]:
            assert (hint["kind"] == "scaffold") == ("answer" in hint), step["id"]


def test_every_variable_is_used() -> None:
    for problem in BUNDLE["problems"]:
        used = {name for text in _texts(problem) for name in template_names(text)}
        rules = " ".join(problem.get("constraints", []))
        rules += " ".join(str(v.get("expression", "")) for v in problem["variables"].values())
        used |= set(re.findall(r"[a-z]\w*", rules))
        assert set(problem["variables"]) <= used, problem["id"]


def test_every_formula_and_figure_can_be_drawn() -> None:
    lessons = [text for lesson in BUNDLE["lessons"] for text in _texts(lesson)]
    problems = [
        text
        for problem in BUNDLE["problems"]
        for seed in range(10)
        for text in _texts(document_render(problem, seed))
    ]
    assert {text: p for text in lessons + problems if (p := formulas_unrenderable(text))} == {}


def test_the_files_are_written_as_json_a_teacher_can_read() -> None:
    for path in FOLDER.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert text.endswith("}\n"), path.name
        assert "\\u" not in text, path.name
        assert text.count("\n") > 20, path.name


def test_the_bundle_survives_json() -> None:
    assert json.loads(json.dumps(BUNDLE)) == BUNDLE


def test_the_import_has_nothing_to_say_against_it() -> None:
    assert bundle_check(BUNDLE) == []


def test_every_misconception_is_explained_once_and_none_is_explained_in_vain() -> None:
    used = {
        entry["misconception"]
        for _, step in STEPS
        for entry in [*step.get("feedback", []), *step.get("choices", [])]
        if "misconception" in entry
    }
    table = GUIDE.read_text(encoding="utf-8").partition("## Misconceptions")[2]
    explained = re.findall(r"^\| `([a-z-]+)` \|", table, flags=re.MULTILINE)
    assert explained == sorted(used)


def test_the_guide_names_problems_that_exist() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    text = text.partition("## A problem")[2].partition("### Variables")[0]
    problems = {problem["id"] for problem in BUNDLE["problems"]}
    named = {
        id_
        for line in re.findall(r"^\|.*", text, re.MULTILINE)
        for id_ in re.findall("`(.+?)`", line)
    }
    assert named
    assert named <= problems


def _folder(tmp_path: Path, course: Any, lesson: str | None) -> Path:
    (tmp_path / "lessons").mkdir()
    (tmp_path / "course.json").write_text(json.dumps(course), encoding="utf-8")
    if lesson is not None:
        (tmp_path / "lessons" / "010-x.json").write_text(lesson, encoding="utf-8")
    return tmp_path


COURSE = {"course": {"id": "c", "title": "C"}, "skills": [], "prerequisites": []}


def test_lesson_files_are_merged_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = _folder(tmp_path, COURSE, '{"lesson": {"id": "one"}, "problems": [{"id": "p"}]}')
    second = '{"lesson": {"id": "two"}, "problems": [{"id": "q"}]}'
    (folder / "lessons" / "005-y.json").write_text(second, encoding="utf-8")
    bundle = demo_bundle(folder)
    assert [lesson["id"] for lesson in bundle["lessons"]] == ["two", "one"]
    assert [problem["id"] for problem in bundle["problems"]] == ["q", "p"]
    assert (bundle["format"], bundle["format_version"]) == ("stepwise-bundle", 1)


def test_parts_add_their_skills_in_the_order_of_the_lessons(tmp_path: Path) -> None:
    lesson = '{"lesson": {"id": "one", "skills": ["b"]}, "problems": []}'
    course = {**COURSE, "skills": [{"id": "a"}], "prerequisites": [{"from": "a", "to": "b"}]}
    folder = _folder(tmp_path, course, lesson)
    second = '{"lesson": {"id": "two", "skills": ["a"]}, "problems": []}'
    (folder / "lessons" / "005-y.json").write_text(second, encoding="utf-8")
    third = '{"lesson": {"id": "three", "skills": ["c"]}, "problems": []}'
    (folder / "lessons" / "020-z.json").write_text(third, encoding="utf-8")
    (folder / "parts").mkdir()
    parts = {"skills": [{"id": "c"}, {"id": "b"}], "prerequisites": [{"from": "b", "to": "c"}]}
    (folder / "parts" / "more.json").write_text(json.dumps(parts), encoding="utf-8")
    bundle = demo_bundle(folder)
    assert [skill["id"] for skill in bundle["skills"]] == ["a", "b", "c"]
    assert [edge["to"] for edge in bundle["prerequisites"]] == ["b", "c"]


def test_a_part_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    folder = _folder(tmp_path, COURSE, '{"lesson": {"id": "one"}, "problems": []}')
    (folder / "parts").mkdir()
    (folder / "parts" / "more.json").write_text('{"skills": []}', encoding="utf-8")
    with pytest.raises(DemoFileError, match=r"more\.json has \['skills'\]"):
        demo_bundle(folder)


@pytest.mark.parametrize(
    ("course", "lesson", "told"),
    [
        (COURSE, None, "expected one a lesson"),
        (COURSE, "{", "010-x.json is not JSON"),
        (COURSE, "[]", "010-x.json has list"),
        (COURSE, '{"lesson": {}, "problem": []}', "expected exactly the keys"),
        ({"course": {}}, "{}", "course.json has"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, course: Any, lesson: str | None, told: str
) -> None:
    with pytest.raises(DemoFileError, match=told):
        demo_bundle(_folder(tmp_path, course, lesson))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DemoFileError, match=r"course\.json does not exist"):
        demo_bundle(tmp_path / "nowhere")
