"""The learner's pages: who may open them, and what they show."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from django.test import Client

from tests.tutor.tracing.logs import response_of
from tests.world import World, course_make
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.common.clock import now_utc
from tutor.practice.recording import activity_of
from tutor.practice.services import answer_submit, session_start
from tutor.responses.models import Regrade, Response
from tutor.roster.models import Enrolment
from tutor.roster.services import classroom_create, classroom_join
from tutor.scheduling.models import SkillStanding
from tutor.tracing.services import learner_replay, version_serving

ClientOf = Callable[[User], Client]


def learner_addresses(world: World) -> list[str]:
    course = world.course
    skill = world.skills["b"]
    lesson = course.lessons.order_by("order").first()
    assert lesson is not None
    return [
        f"/learn/{course.uuid}/",
        f"/learn/{course.uuid}/map/",
        f"/learn/{course.uuid}/skills/{skill.uuid}/",
        f"/learn/{course.uuid}/lessons/{lesson.uuid}/",
    ]


def test_every_course_page_opens_for_its_learner(world: World, client_of: ClientOf) -> None:
    client = client_of(world.ada)
    for address in learner_addresses(world):
        response = client.get(address)
        assert response.status_code == 200, address
        assert "HX-Request" in response["Vary"]


def test_every_course_page_sends_visitors_to_the_login(world: World, client: Client) -> None:
    for address in [*learner_addresses(world), "/learn/", "/learn/map/"]:
        response = client.get(address)
        assert response.status_code == 302
        assert response["Location"].startswith("/login/?next=")


def test_every_course_page_is_not_found_for_strangers(world: World, client_of: ClientOf) -> None:
    stranger = account_create(username="sam", display_name="Sam")
    for address in learner_addresses(world):
        assert client_of(stranger).get(address).status_code == 404, address


def test_a_learner_who_left_the_class_is_a_stranger(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    Enrolment.objects.filter(learner=world.ada).update(left_at=now)
    assert client_of(world.ada).get(learner_addresses(world)[0]).status_code == 404


def test_learner_pages_are_forbidden_to_teachers_but_lessons_open(
    world: World, client_of: ClientOf
) -> None:
    *mine, lesson = learner_addresses(world)
    for address in [*mine, "/learn/"]:
        assert client_of(world.tess).get(address).status_code == 403, address
    assert client_of(world.tess).get(lesson).status_code == 200


def test_how_numbers_come_about_is_told_to_everybody_logged_in(
    world: World, client: Client, client_of: ClientOf
) -> None:
    assert client.get("/learn/how/").status_code == 302
    assert client_of(world.tess).get("/learn/how/").status_code == 200
    assert client_of(world.ada).post("/learn/how/").status_code == 405
    page = client_of(world.ada).get("/learn/how/").content.decode()
    assert "Below 3 answers it is a first impression" in page


def test_course_pages_only_answer_to_get(world: World, client_of: ClientOf) -> None:
    for address in learner_addresses(world):
        assert client_of(world.ada).post(address).status_code == 405, address


def test_bad_ids_are_not_found(world: World, client_of: ClientOf) -> None:
    client = client_of(world.ada)
    course = world.course.uuid
    for address in (
        f"/learn/{uuid4()}/",
        f"/learn/{course}/skills/{uuid4()}/",
        f"/learn/{course}/lessons/{uuid4()}/",
        f"/learn/{course}/skills/not-an-id/",
        f"/practice/{uuid4()}/",
    ):
        assert client.get(address).status_code == 404, address


def test_home_offers_the_first_skill_with_its_reason_and_length(
    world: World, client_of: ClientOf
) -> None:
    page = client_of(world.ada).get("/learn/").content.decode()
    assert "Skill a" in page
    assert "about" in page
    assert "minutes" in page
    assert re.search(r">0</a>\s+of 3 skills mastered", page)


def test_home_without_a_class_leads_to_joining(world: World, client_of: ClientOf) -> None:
    newcomer = account_create(username="nia", display_name="Nia")
    page = client_of(newcomer).get("/learn/").content.decode()
    assert 'href="/join/"' in page
    assert client_of(newcomer).get("/learn/map/")["Location"] == "/learn/"


def test_home_offers_to_go_on_with_an_open_problem(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    session_start(world.ada, world.course, now=now_utc())
    page = client_of(world.ada).get("/learn/").content.decode()
    assert "You stopped in the middle of a problem" in page
    assert '<h2 id="next" class="next-title">Skill a</h2>' in page


def test_the_map_of_the_first_course_keeps_what_was_asked(
    world: World, client_of: ClientOf
) -> None:
    client, address = client_of(world.ada), f"/learn/{world.course.uuid}/map/"
    wish = "view=list&status=mastered"
    assert client.get(f"/learn/map/?{wish}")["Location"] == f"{address}?{wish}"
    assert client.get("/learn/map/")["Location"] == address


def test_the_number_beside_a_review_says_what_it_is(world: World, client_of: ClientOf) -> None:
    now = now_utc()
    for hour in range(1, 5):
        step, skill = world.course.steps.get(key="a2a").pk, world.skills["a"]
        at = now - timedelta(days=9, hours=hour)
        response_of(world.course, world.ada, step, skill.pk, True, at).save()
    learner_replay(version_serving(world.course, now=now), world.ada.pk, now=now)
    SkillStanding.objects.update_or_create(
        learner=world.ada,
        skill=skill,
        defaults={
            "opened_at": now,
            "is_mastered": True,
            "mastered_at": now,
            "review_due_at": now - timedelta(days=1),
        },
    )
    client = client_of(world.ada)
    assert re.search(r"\d+\s%\slikely\sright</span>", client.get("/learn/").content.decode())
    # What is due already does not become due in a week.
    progress = client.get(f"/learn/{world.course.uuid}/progress/").content.decode()
    assert "Due now" in progress


def test_the_skill_page_shows_own_answers_only(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    session = session_start(world.ada, world.course, now=now)
    activity = activity_of(session)
    assert activity is not None
    answer_submit(session, raw_answer="41", attempt_token=activity.attempt_token, now=now)
    address = f"/learn/{world.course.uuid}/skills/{world.skills['a'].uuid}/"
    assert ">41<" in client_of(world.ada).get(address).content.decode()
    assert ">41<" not in client_of(world.ben).get(address).content.decode()


def test_home_tells_of_answers_judged_again_for_two_weeks(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    session = session_start(world.ada, world.course, now=now)
    activity = activity_of(session)
    assert activity is not None
    answer_submit(session, raw_answer="41", attempt_token=activity.attempt_token, now=now)
    response = Response.objects.get()
    for is_correct, reason in ((False, "a slip"), (True, "The key was <wrong>.")):
        Regrade.objects.create(
            response=response, is_correct=is_correct, reason=reason, regraded_at=now_utc()
        )
    page = client_of(world.ada).get("/learn/").content.decode()
    assert "1 answer of yours was judged again" in page
    assert "counts as right now. The key was &lt;wrong&gt;." in page
    assert "a slip" not in page
    assert "judged again" not in client_of(world.ben).get("/learn/").content.decode()
    Regrade.objects.update(regraded_at=now_utc() - timedelta(days=15))
    assert "judged again" not in client_of(world.ada).get("/learn/").content.decode()


def test_a_learner_of_two_courses_switches_between_them(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    other = course_make(now=now, key="further", skills=("d", "e"))
    classroom = classroom_create(name="Club", course=other, teachers=[world.tess], now=now)
    classroom_join(world.ada, join_code=classroom.join_code, now=now)
    client = client_of(world.ada)
    page = client.get(f"/learn/{world.course.uuid}/").content.decode()
    assert f'href="/learn/{other.uuid}/"' in page
    assert "Skill d" in client.get(f"/learn/{other.uuid}/").content.decode()


def test_a_line_with_a_gap_tells_what_belongs_there_only_when_it_is_opened(
    world: World, client_of: ClientOf
) -> None:
    lesson = world.course.lessons.order_by("order")[0]
    lesson.worked_examples = [
        {
            "title": "Fill the gaps",
            "body": "",
            "steps": [r"$1 + 1 = \square$", "And so on.", r"$2 + \square = 5$"],
            "gaps": ["2", "3"],
            "closing": "That was all.",
        }
    ]
    lesson.save()
    address = f"/learn/{world.course.uuid}/lessons/{lesson.uuid}/"
    page = client_of(world.ada).get(address).content.decode()
    opened = re.findall(r'<details class="gap">(.*?)</details>', page, re.DOTALL)
    assert [re.search(r"<summary>(.*?)</summary>", text)[1] for text in opened] == [  # type: ignore[index]
        "Check line 1",
        "Check line 3",
    ]
    assert all("menclose" in text for text in opened)
    assert page.count("menclose") == sum(text.count("menclose") for text in opened)
    # What closes the example waits behind its last gap.
    assert ["That was all." in text for text in opened] == [False, True]
