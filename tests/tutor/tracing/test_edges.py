"""What the serving model's graph says of prerequisites, against counts made by hand."""

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise

import pytest

from tests.tutor.tracing.logs import SKILLS, log_make
from tests.tutor.tracing.psi_kt import psi_kt_run, psi_kt_serving
from tests.world import course_make
from tutor.accounts.models import User
from tutor.content.models import Course, Prerequisite, Skill
from tutor.responses.exports import observations_export
from tutor.tracing import engine_fit, engine_insight
from tutor.tracing.edges import EdgeEvidence, edge_evidence_of_course
from tutor.tracing.models import ModelVersion
from tutor.tracing.services import version_serving


def ids_of(course: Course) -> dict[str, int]:
    return dict(course.skills.values_list("key", "pk"))


def found(course: Course, now: datetime) -> dict[tuple[int, int], EdgeEvidence]:
    edges = edge_evidence_of_course(course, now=now).edges
    return {(edge.parent_id, edge.child_id): edge for edge in edges}


def test_a_course_under_bkt_has_no_graph_and_no_made_up_numbers(db: None, now: datetime) -> None:
    course = course_make(now=now)
    evidence = edge_evidence_of_course(course, now=now)
    assert (evidence.has_graph, evidence.edges) == (False, ())
    assert evidence.version == version_serving(course, now=now)


def test_every_pair_comes_once_with_weight_and_interval_strongest_first(
    psi_kt_course: Course, now: datetime
) -> None:
    evidence = edge_evidence_of_course(psi_kt_course, now=now)
    assert evidence.has_graph
    assert len(evidence.edges) == len(SKILLS) * (len(SKILLS) - 1)
    weights = [edge.weight for edge in evidence.edges]
    assert weights == sorted(weights, reverse=True)
    for edge in evidence.edges:
        assert 0.0 < edge.lower < edge.weight < edge.upper < 1.0
    ids = ids_of(psi_kt_course)
    chain = {(ids[parent], ids[child]) for parent, child in pairwise(SKILLS)}
    assert {key for key, edge in found(psi_kt_course, now).items() if edge.is_prerequisite} == chain
    assert {key for key, edge in found(psi_kt_course, now).items() if edge.was_prior} == chain


def test_what_authors_say_raises_the_weight(db: None, now: datetime) -> None:
    course = log_make(now=now, n_each=12, key="other")
    told = psi_kt_run(course, now, steps=20, learning_rate=0.2).version
    untold = psi_kt_run(course, now, steps=20, learning_rate=0.2, authored=[]).version
    ids = ids_of(course)
    chain = [(ids[parent], ids[child]) for parent, child in pairwise(SKILLS)]

    def weights(version: ModelVersion) -> list[float]:
        edges = engine_insight.edges(version, always=(), at_least=0.0, most=99) or []
        weight = {(edge.parent_id, edge.child_id): edge.weight for edge in edges}
        return [weight[pair] for pair in chain]

    assert min(weights(told)) > 0.5 > max(weights(untold))


def test_the_contingency_is_that_of_the_learners_who_were_fitted_on(
    psi_kt_course: Course, now: datetime
) -> None:
    ids = ids_of(psi_kt_course)
    parent, child = ids["a"], ids["b"]
    rows = list(observations_export(psi_kt_course))
    learners = User.objects.filter(pk__in={row.learner_id for row in rows})
    held_out = {learner.pk for learner in learners if engine_fit.is_held_out(learner.uuid)}
    export = engine_fit.export_build(rows, held_out=held_out)
    before: dict[int, list[bool]] = {}
    counts = {True: [0, 0], False: [0, 0]}
    done = set()
    for row, is_train in zip(rows, export.is_train, strict=True):
        if not is_train:
            continue
        if parent in row.skill_ids:
            before.setdefault(row.learner_id, []).append(row.is_correct)
        if child in row.skill_ids and row.learner_id not in done:
            done.add(row.learner_id)
            answers = before.get(row.learner_id)
            if answers:
                is_strong = 2 * sum(answers) >= len(answers)
                counts[is_strong][0] += 1
                counts[is_strong][1] += row.is_correct
    edge = found(psi_kt_course, now)[parent, child]
    assert [edge.after_strong.n, edge.after_strong.n_right] == counts[True]
    assert [edge.after_weak.n, edge.after_weak.n_right] == counts[False]
    assert edge.n_learners == counts[True][0] + counts[False][0] > 0
    assert edge.after_strong.share == counts[True][1] / counts[True][0]


def test_it_costs_one_query(
    psi_kt_course: Course, now: datetime, django_assert_num_queries: Callable[..., object]
) -> None:
    edge_evidence_of_course(psi_kt_course, now=now)
    with django_assert_num_queries(1):
        edge_evidence_of_course(psi_kt_course, now=now)


def test_prerequisites_come_beside_the_strongest_others(
    psi_kt_course: Course, now: datetime
) -> None:
    few = edge_evidence_of_course(psi_kt_course, now=now, most=2)
    assert sum(edge.is_prerequisite for edge in few.edges) == 3
    assert sum(not edge.is_prerequisite for edge in few.edges) == 2
    others = [edge for edge in found(psi_kt_course, now).values() if not edge.is_prerequisite]
    assert [edge for edge in few.edges if not edge.is_prerequisite] == others[:2]
    none = edge_evidence_of_course(psi_kt_course, now=now, at_least=1.0)
    assert len(none.edges) == 3


def test_a_skill_that_came_or_went_after_the_fit_is_passed_over(
    psi_kt_course: Course, now: datetime
) -> None:
    new = Skill.objects.create(course=psi_kt_course, key="new", title="New", position=9)
    Prerequisite.objects.create(
        course=psi_kt_course, from_skill=psi_kt_course.skills.get(key="a"), to_skill=new
    )
    Skill.objects.filter(course=psi_kt_course, key="d").update(is_retired=True)
    psi_kt_course.version_number += 1
    psi_kt_course.save()
    evidence = edge_evidence_of_course(psi_kt_course, now=now)
    keys = {edge.parent_id for edge in evidence.edges} | {edge.child_id for edge in evidence.edges}
    ids = ids_of(psi_kt_course)
    assert keys == {ids["a"], ids["b"], ids["c"]}


def test_a_model_fitted_without_transfer_has_no_graph(db: None, now: datetime) -> None:
    course = log_make(now=now, n_each=12, key="other")
    version = psi_kt_serving(course, now, transfer="none")
    assert version.model_name == "psi_kt_extended"
    assert not edge_evidence_of_course(course, now=now).has_graph


def test_a_version_that_cannot_be_loaded_has_no_graph(
    psi_kt_course: Course, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    version = version_serving(psi_kt_course, now=now)
    version.sha256 = "0" * 64
    version.save()
    evidence = edge_evidence_of_course(psi_kt_course, now=now)
    assert (evidence.has_graph, evidence.edges) == (False, ())
    assert "cannot be asked of its graph" in caplog.text
