"""Traits through the door: of PSI-KT with ranges and evidence, of BKT none and nothing made up."""

from collections.abc import Callable
from datetime import datetime, timedelta
from statistics import median

import pytest

from kt_models.psi_kt.filter import FittedPSIKT
from tests.tutor.tracing.logs import response_of
from tests.world import World
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.tracing import engine, engine_insight
from tutor.tracing.models import LearnerState
from tutor.tracing.selectors import (
    HeldStates,
    beliefs_ahead,
    beliefs_of_learner,
    states_of_learners,
)
from tutor.tracing.services import learner_replay, version_serving
from tutor.tracing.traits import CLASS_LEAST, TRAITS_WANTED, learner_traits

TRAITS = ("half_life_days", "level", "swing", "transfer")


def class_of(course: Course) -> list[User]:
    return list(User.objects.filter(responses__course=course).distinct().order_by("pk"))


def held_of(course: Course, learners: list[User], now: datetime) -> HeldStates:
    return states_of_learners([learner.pk for learner in learners], course, now=now)


def test_each_trait_has_a_range_and_the_class_s_median(
    psi_kt_course: Course, now: datetime
) -> None:
    learners = class_of(psi_kt_course)
    held = held_of(psi_kt_course, learners, now)
    every = [learner_traits(held, learner) for learner in learners]
    first = every[0]
    assert (first.has_traits, first.has_evidence) == (True, True)
    assert (first.n_observations, first.n_classmates) == (40, len(learners))
    for name in TRAITS:
        trait = getattr(first, name)
        assert trait.lower < trait.value < trait.upper
        assert trait.lower > 0.0
        assert trait.class_median == median(getattr(one, name).value for one in every)
    for name in ("level", "transfer"):
        assert getattr(first, name).upper < 1.0
    assert first.swing is not None
    assert first.swing.upper < 0.5


def test_the_half_life_is_the_time_in_which_half_of_the_way_is_gone(
    psi_kt_course: Course, now: datetime
) -> None:
    version = version_serving(psi_kt_course, now=now)
    model = engine.tracer(version)
    assert isinstance(model, FittedPSIKT)
    [reading] = engine_insight.traits(version, [None]) or []
    alpha = model.trait_points.alpha
    # The median over learners lies among the points that stand for them.
    assert 0.693 / alpha.max() < reading.half_life_days.value < 0.693 / alpha.min()
    assert not reading.is_enough_evidence


def test_who_answers_well_has_a_higher_level_than_who_does_not(
    psi_kt_course: Course, now: datetime
) -> None:
    good, bad = (
        answered(psi_kt_course, name, [outcome] * TRAITS_WANTED, now)
        for name, outcome in (("good", True), ("bad", False))
    )
    held = held_of(psi_kt_course, [good, bad], now)
    levels = [learner_traits(held, learner).level for learner in (good, bad)]
    assert levels[0] is not None
    assert levels[1] is not None
    # Answers to one skill tell of that skill first, so their ranges may still touch.
    assert levels[0].value > levels[1].value + 0.1
    assert levels[0].lower > levels[1].lower
    assert levels[0].upper > levels[1].upper
    # Of two learners a median says nothing of a class.
    assert levels[0].class_median is None


def answered(course: Course, name: str, outcomes: list[bool], now: datetime) -> User:
    learner = account_create(username=name, display_name=name)
    step = course.steps.filter(skills__key="a").first()
    assert step is not None
    skill_id = step.skills.get().pk
    at = now - timedelta(days=30)
    Response.objects.bulk_create(
        response_of(course, learner, step.pk, skill_id, outcome, at + timedelta(hours=place))
        for place, outcome in enumerate(outcomes)
    )
    learner_replay(version_serving(course, now=now), learner.pk, now=now)
    return learner


def test_below_the_model_s_amount_of_evidence_no_trait_is_given(
    psi_kt_course: Course, now: datetime
) -> None:
    few = answered(psi_kt_course, "few", [True] * (TRAITS_WANTED - 1), now)
    enough = answered(psi_kt_course, "enough", [True] * TRAITS_WANTED, now)
    held = held_of(psi_kt_course, [few, enough], now)
    traits = learner_traits(held, few)
    assert (traits.has_traits, traits.has_evidence) == (True, False)
    assert (traits.n_observations, traits.n_wanted) == (TRAITS_WANTED - 1, TRAITS_WANTED)
    assert [getattr(traits, name) for name in TRAITS] == [None] * 4
    assert traits.n_classmates == 1
    assert learner_traits(held, enough).has_evidence


def test_a_learner_without_a_state_has_no_evidence(psi_kt_course: Course, now: datetime) -> None:
    nobody = account_create(username="nobody", display_name="Nobody")
    held = states_of_learners(
        User.objects.filter(pk=nobody.pk).values_list("pk", flat=True), psi_kt_course, now=now
    )
    assert held.blobs == {}
    traits = learner_traits(held, nobody)
    assert (traits.has_traits, traits.has_evidence, traits.n_observations) == (True, False, 0)


def test_a_median_needs_a_class(psi_kt_course: Course, now: datetime) -> None:
    learners = class_of(psi_kt_course)[:CLASS_LEAST]
    whole = held_of(psi_kt_course, learners, now)
    part = held_of(psi_kt_course, learners[1:], now)
    of_whole, of_part = (learner_traits(held, learners[1]).level for held in (whole, part))
    assert of_whole is not None
    assert of_part is not None
    assert of_whole.class_median is not None
    assert of_part.class_median is None


def test_bkt_has_no_traits(world: World, now: datetime) -> None:
    held = held_of(world.course, [world.ada], now)
    traits = learner_traits(held, world.ada)
    assert (traits.has_traits, traits.has_evidence, traits.level) == (False, False, None)
    assert traits.version.model_name == "bkt"


def test_a_state_that_cannot_be_read_gives_no_traits(
    psi_kt_course: Course, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    learner = class_of(psi_kt_course)[0]
    LearnerState.objects.filter(learner=learner).update(blob=b"PSIKwhatever")
    traits = learner_traits(held_of(psi_kt_course, [learner], now), learner)
    assert not traits.has_traits
    assert "cannot be asked of traits" in caplog.text


def test_states_of_a_class_cost_one_query_by_ids_or_by_a_queryset(
    psi_kt_course: Course, now: datetime, django_assert_num_queries: Callable[..., object]
) -> None:
    ids = [learner.pk for learner in class_of(psi_kt_course)]
    with django_assert_num_queries(1):
        by_ids = states_of_learners(ids, psi_kt_course, now=now)
        traits = learner_traits(by_ids, User(pk=ids[0]))
        assert traits.version == by_ids.version
    with django_assert_num_queries(1):
        by_query = states_of_learners(
            User.objects.filter(pk__in=ids).values_list("pk", flat=True), psi_kt_course, now=now
        )
    assert by_ids.blobs == by_query.blobs


def test_the_days_ahead_begin_with_now_and_grow_less_certain(
    psi_kt_course: Course, now: datetime
) -> None:
    learner = class_of(psi_kt_course)[0]
    held = held_of(psi_kt_course, [learner], now)
    moments = [now + timedelta(days=day) for day in (0, 7, 365)]
    coming = beliefs_ahead(held, learner, psi_kt_course, at=moments)
    today = beliefs_of_learner(learner, psi_kt_course, now=now)
    assert coming[0].p_correct.tolist() == today.p_correct.tolist()
    widths = [(one.upper - one.lower).mean() for one in coming]
    assert widths[0] < widths[1] < widths[2]
