"""Who may open which of the authors' pages."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from tutor.content.models import Draft

pytestmark = pytest.mark.django_db

# (name, arguments, method, whether only authors may).
COURSE = [
    ("content_home", lambda o: (), "get", False),
    ("course_content", lambda o: (o["course"].uuid,), "get", False),
    ("course_quality", lambda o: (o["course"].uuid,), "get", False),
    ("course_authors", lambda o: (o["course"].uuid,), "post", True),
    ("problem_new", lambda o: (o["course"].uuid,), "post", True),
    ("lesson_detail", lambda o: (o["lesson"].uuid,), "get", False),
    ("lesson_edit", lambda o: (o["lesson"].uuid,), "post", True),
    ("lesson_new", lambda o: (o["course"].uuid,), "post", True),
    ("lesson_retire", lambda o: (o["lesson"].uuid,), "post", True),
    ("lesson_restore", lambda o: (o["lesson"].uuid,), "post", True),
    ("problem_detail", lambda o: (o["problem"].uuid,), "get", False),
    ("problem_try", lambda o: (o["problem"].uuid,), "post", False),
    ("problem_edit", lambda o: (o["problem"].uuid,), "post", True),
    ("problem_retire", lambda o: (o["problem"].uuid,), "post", True),
    ("problem_restore", lambda o: (o["problem"].uuid,), "post", True),
]
DRAFT = [
    ("draft", "get"),
    ("draft_check", "post"),
    ("draft_preview", "get"),
    ("draft_try", "post"),
    ("draft_json", "get"),
    ("draft_publish", "get"),
    ("draft_keep", "post"),
    ("draft_discard", "post"),
]


@pytest.fixture
def things(course, lesson, problem):
    return {"course": course, "lesson": lesson, "problem": problem}


@pytest.mark.parametrize(("name", "arguments", "method", "is_change"), COURSE)
class TestPagesOfACourse:
    def ask(self, client, things, name, arguments, method):
        return getattr(client, method)(reverse(name, args=arguments(things)))

    def test_it_works_for_its_author(
        self, world, client_of, things, name, arguments, method, is_change
    ):
        response = self.ask(client_of(world.tess), things, name, arguments, method)
        assert response.status_code in ({200} if method == "get" else {200, 302})

    def test_an_administrator_may_too(
        self, world, client_of, things, name, arguments, method, is_change
    ):
        response = self.ask(client_of(world.root), things, name, arguments, method)
        assert response.status_code in {200, 302}

    def test_another_teacher_looks_and_changes_nothing(
        self, world, client_of, things, name, arguments, method, is_change
    ):
        response = self.ask(client_of(world.zoe), things, name, arguments, method)
        assert (response.status_code == 403) == is_change
        assert not Draft.objects.exists()

    def test_a_learner_is_refused(
        self, world, client_of, things, name, arguments, method, is_change
    ):
        response = self.ask(client_of(world.ada), things, name, arguments, method)
        assert response.status_code == 403

    def test_nobody_logged_in_is_sent_to_the_login(
        self, things, name, arguments, method, is_change
    ):
        response = self.ask(Client(), things, name, arguments, method)
        assert (response.status_code, response.url.split("?")[0]) == (302, reverse("login"))

    def test_unknown_ids_and_other_methods(
        self, world, client_of, things, name, arguments, method, is_change
    ):
        client = client_of(world.tess)
        url = reverse(name, args=arguments(things))
        assert client.delete(url).status_code == 405
        if method == "post":
            assert client.get(url).status_code == 405
        if arguments(things):
            unknown = reverse(name, args=[uuid4()])
            assert getattr(client, method)(unknown).status_code == 404


@pytest.mark.parametrize(("name", "method"), DRAFT)
class TestPagesOfADraft:
    def ask(self, client, draft, name, method):
        return getattr(client, method)(reverse(name, args=[draft.uuid]))

    def test_it_works_for_who_writes_it(self, world, client_of, draft, name, method):
        response = self.ask(client_of(world.tess), draft, name, method)
        assert response.status_code in ({200} if method == "get" else {302})

    @pytest.mark.parametrize("person", ["zoe", "root"])
    def test_nobody_else_finds_it(self, world, client_of, draft, name, method, person):
        response = self.ask(client_of(getattr(world, person)), draft, name, method)
        assert response.status_code == 404
        assert Draft.objects.count() == 1

    def test_a_learner_is_refused(self, world, client_of, draft, name, method):
        assert self.ask(client_of(world.ada), draft, name, method).status_code == 403

    def test_nobody_logged_in_is_sent_to_the_login(self, draft, name, method):
        assert self.ask(Client(), draft, name, method).status_code == 302

    def test_who_is_no_author_any_more_is_refused(self, world, client_of, draft, name, method):
        draft.course.authors.set([world.zoe])
        assert self.ask(client_of(world.tess), draft, name, method).status_code == 403

    def test_other_methods_and_unknown_ids(self, world, client_of, draft, name, method):
        client = client_of(world.tess)
        assert client.delete(reverse(name, args=[draft.uuid])).status_code == 405
        assert getattr(client, method)(reverse(name, args=[uuid4()])).status_code == 404
