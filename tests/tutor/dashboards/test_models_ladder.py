"""The ladder for the models pages: administrators act, teachers of the course read, nobody else."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import URLPattern

from tests.world import World
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.dashboards.model_urls import urlpatterns
from tutor.tracing.models import FitRun, FitStatus, ModelRole, ModelVersion, VersionStatus
from tutor.tracing.services import version_serving

ClientOf = Callable[[User], Client]

READS = ("courses/{course}/", "versions/{version}/")
ASKS = ("versions/{version}/promote/", "courses/{course}/roll-back/mastery/")
POSTS = ("courses/{course}/fit/", "courses/{course}/drift/", "fits/{fit}/cancel/")
OF_A_COURSE = (*READS, *ASKS, *POSTS)
DEEDS = (*ASKS, *POSTS)


@pytest.fixture(autouse=True)
def _own_artifacts(settings: LazySettings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def addresses(world: World, now: datetime) -> dict[str, object]:
    """A course with a version, an earlier one and a fit that waits."""
    version_serving(world.course, now=now)
    ModelVersion.objects.create(
        course=world.course,
        model_name="bkt",
        role=ModelRole.MASTERY,
        status=VersionStatus.RETIRED,
        created_at=now,
        served_from=now,
        retired_at=now,
    )
    candidate = ModelVersion.objects.create(
        course=world.course, model_name="bkt", role=ModelRole.MASTERY, created_at=now
    )
    fit = FitRun.objects.create(
        course=world.course,
        model_name="bkt",
        role=ModelRole.MASTERY,
        trigger="hand",
        requested_at=now,
        config_hash="",
        cutoff=now,
    )
    return {"course": world.course.uuid, "version": candidate.uuid, "fit": fit.uuid}


def address(page: str, parts: dict[str, object]) -> str:
    return "/teach/models/" + page.format(**parts)


def test_every_address_is_on_the_ladder() -> None:
    routes = {str(url.pattern) for url in urlpatterns if isinstance(url, URLPattern)}
    words = {
        "{course}": "<uuid:course_uuid>",
        "{version}": "<uuid:version_uuid>",
        "{fit}": "<uuid:fit_uuid>",
        "mastery": "<str:role>",
    }
    known = {""}
    for page in OF_A_COURSE:
        route = page
        for word, converter in words.items():
            route = route.replace(word, converter)
        known.add(route)
    assert routes == known


@pytest.mark.parametrize("page", ["", *READS])
def test_the_teacher_of_the_course_and_the_administrator_read(
    world: World, client_of: ClientOf, addresses: dict[str, object], page: str
) -> None:
    for user in (world.tess, world.root):
        assert client_of(user).get(address(page, addresses)).status_code == 200


@pytest.mark.parametrize("page", ASKS)
def test_the_administrator_is_asked_before_what_serves_changes(
    world: World, client_of: ClientOf, addresses: dict[str, object], page: str
) -> None:
    assert client_of(world.root).get(address(page, addresses)).status_code == 200
    assert not world.course.promotions.exists()


@pytest.mark.parametrize("page", DEEDS)
def test_a_teacher_of_the_course_may_not_act(
    world: World, client_of: ClientOf, addresses: dict[str, object], page: str
) -> None:
    assert client_of(world.tess).post(address(page, addresses)).status_code == 403
    assert not world.course.promotions.exists()
    assert FitRun.objects.get().status == FitStatus.QUEUED


@pytest.mark.parametrize("page", ["", *OF_A_COURSE])
def test_a_learner_is_refused_and_anonymous_is_asked_to_log_in(
    world: World, client_of: ClientOf, addresses: dict[str, object], page: str
) -> None:
    target = address(page, addresses)
    is_post = page in POSTS
    ada, nobody = client_of(world.ada), Client()
    assert (ada.post(target) if is_post else ada.get(target)).status_code == 403
    answer = nobody.post(target) if is_post else nobody.get(target)
    assert answer.status_code == 302


@pytest.mark.parametrize("page", OF_A_COURSE)
def test_a_teacher_of_no_class_on_the_course_finds_nothing(
    world: World, client_of: ClientOf, addresses: dict[str, object], page: str
) -> None:
    stranger = account_create(username="sam", display_name="Sam", role="teacher")
    client, target = client_of(stranger), address(page, addresses)
    answer = client.post(target) if page in DEEDS else client.get(target)
    assert answer.status_code == 404
    assert world.course.title not in client.get("/teach/models/").content.decode()


@pytest.mark.parametrize("page", OF_A_COURSE)
def test_a_bad_id_is_not_found(
    world: World, client_of: ClientOf, addresses: dict[str, object], page: str
) -> None:
    client = client_of(world.root)
    for wrong in (uuid4(), "17"):
        parts = dict.fromkeys(addresses, wrong)
        target = address(page, parts)
        answer = client.post(target) if page in DEEDS else client.get(target)
        assert answer.status_code == 404


def test_an_unknown_role_is_not_found(
    world: World, client_of: ClientOf, addresses: dict[str, object]
) -> None:
    target = address("courses/{course}/roll-back/marks/", addresses)
    assert client_of(world.root).get(target).status_code == 404


@pytest.mark.parametrize("page", ["", *READS])
def test_pages_that_show_refuse_to_be_posted_to(
    world: World, client_of: ClientOf, addresses: dict[str, object], page: str
) -> None:
    assert client_of(world.root).post(address(page, addresses)).status_code == 405


@pytest.mark.parametrize("page", POSTS)
def test_deeds_are_not_done_by_looking(
    world: World, client_of: ClientOf, addresses: dict[str, object], page: str
) -> None:
    assert client_of(world.root).get(address(page, addresses)).status_code == 405
