"""The screen shows what is, and no more than the learner has earned."""

from datetime import datetime, timedelta

import pytest

from tests.world import World
from tutor.content.graph import course_graph
from tutor.practice.models import Session
from tutor.practice.screen import StepScreen, screen_build
from tutor.practice.services import (
    activity_continue,
    answer_submit,
    dont_know,
    hint_open,
    session_end,
    session_start,
)
from tutor.scheduling.models import SkillStanding


@pytest.fixture
def session(world: World, now: datetime) -> Session:
    return session_start(world.ada, world.course, now=now)


def screen(session: Session, now: datetime) -> StepScreen:
    built = screen_build(session, now=now)
    assert built is not None
    return built


def test_a_fresh_step_shows_its_prompt_and_neither_answer_nor_hints(
    session: Session, world: World, now: datetime
) -> None:
    shown = screen(session, now)
    assert "<math" in shown.prompt_html
    assert shown.feedback is None
    assert shown.hints == ()
    assert shown.n_hints_left == 2
    assert shown.skill is not None
    assert shown.skill.id == world.skills["a"].pk
    assert shown.reason
    assert shown.belief is not None
    assert shown.belief.n_observations == 0
    assert shown.field.is_typed


def test_a_wrong_answer_is_kept_in_the_field_and_the_right_one_is_not_shown(
    session: Session, now: datetime
) -> None:
    token = screen(session, now).attempt_token
    answer_submit(session, raw_answer="12", attempt_token=token, now=now)
    shown = screen(session, now)
    assert shown.field.value == "12"
    assert shown.feedback is not None
    assert "You multiplied." in shown.feedback.message_html
    assert (shown.feedback.answer_html, shown.feedback.solution_html) == ("", "")
    assert shown.belief is not None
    assert shown.belief_before is not None
    assert shown.belief.p_correct < shown.belief_before.p_correct
    assert shown.recent == (False,)


def test_giving_up_shows_the_answer_the_solution_and_what_is_next(
    session: Session, now: datetime
) -> None:
    dont_know(session, attempt_token=screen(session, now).attempt_token, now=now)
    shown = screen(session, now)
    assert shown.feedback is not None
    assert shown.feedback.is_given_up
    assert "7" in shown.feedback.answer_html
    assert "<math" in shown.feedback.solution_html
    assert shown.upcoming is not None


def test_opened_hints_show_with_their_own_fields(session: Session, now: datetime) -> None:
    for _ in range(2):
        hint_open(session, attempt_token=screen(session, now).attempt_token, now=now)
    hint, scaffold = screen(session, now).hints
    assert (hint.field, scaffold.field is not None) == (None, True)


def test_the_screen_is_the_same_on_another_device(session: Session, now: datetime) -> None:
    answer_submit(
        session, raw_answer="7", attempt_token=screen(session, now).attempt_token, now=now
    )
    elsewhere = Session.objects.get(pk=session.pk)
    assert screen(elsewhere, now) == screen(session, now)


def test_a_sitting_that_is_over_shows_no_step(session: Session, now: datetime) -> None:
    session_end(session, now=now)
    assert screen_build(session, now=now) is None


def test_the_next_step_of_a_problem_starts_afresh(session: Session, now: datetime) -> None:
    answer_submit(
        session, raw_answer="7", attempt_token=screen(session, now).attempt_token, now=now
    )
    activity_continue(session, attempt_token=screen(session, now).attempt_token, now=now)
    shown = screen(session, now)
    assert (shown.field.value, shown.feedback, shown.tries) == ("", None, 0)


def test_mastering_a_skill_is_told_when_it_happens_with_what_it_opened(
    session: Session, world: World, now: datetime
) -> None:
    graph, told = course_graph(world.course), list[tuple[list[int], int]]()
    for turn in range(8):
        at = now + timedelta(minutes=turn)
        token = screen(session, at).attempt_token
        answer_submit(session, raw_answer="7", attempt_token=token, now=at)
        feedback = screen(session, at).feedback
        assert feedback is not None
        standing = SkillStanding.objects.filter(mastered_at=at)
        assert [skill.id for skill in feedback.mastered] == [row.skill_id for row in standing]
        mastered = {skill.id for skill in feedback.mastered}
        follow = [child for skill in mastered for child in graph.children[skill]]
        assert (
            feedback.n_opened
            == SkillStanding.objects.filter(opened_at=at, skill__in=follow).count()
        )
        if feedback.mastered:
            told.append(([skill.id for skill in feedback.mastered], feedback.n_opened))
        activity_continue(session, attempt_token=screen(session, at).attempt_token, now=at)
        if screen_build(session, now=at) is None:
            break
    assert told
    assert told[0][0] == [world.skills["a"].pk]


def test_only_a_first_try_without_a_hint_is_right_at_first(session: Session, now: datetime) -> None:
    answer_submit(
        session, raw_answer="12", attempt_token=screen(session, now).attempt_token, now=now
    )
    assert not screen(session, now).is_right_at_first
    answer_submit(
        session, raw_answer="7", attempt_token=screen(session, now).attempt_token, now=now
    )
    assert not screen(session, now).is_right_at_first
    activity_continue(session, attempt_token=screen(session, now).attempt_token, now=now)
    answer_submit(
        session, raw_answer="7", attempt_token=screen(session, now).attempt_token, now=now
    )
    assert screen(session, now).is_right_at_first
