"""The editor's pages: what is written is kept, buttons change the form, checks follow."""

import json

import pytest
from django.urls import reverse

from tests.tutor.content.bundle_case import bundle_make, put
from tutor.content.importing import course_import
from tutor.content.models import Draft, Lesson, Problem
from tutor.responses.models import Response

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def page_of(client, draft):
    return client.get(reverse("draft", args=[draft.uuid])).content.decode()


@pytest.fixture
def tess(world, client_of):
    return client_of(world.tess)


def test_editing_begins_a_draft_and_goes_on_with_it(tess, problem):
    url = reverse("problem_edit", args=[problem.uuid])
    first = tess.post(url)
    draft = Draft.objects.get()
    assert first.url == reverse("draft", args=[draft.uuid]) == tess.post(url).url
    assert 'value="Add them"' in page_of(tess, draft)


def test_a_form_sent_back_unchanged_changes_nothing(tess, draft, edited):
    before = draft.document
    response = edited(tess, draft)
    assert response.url == reverse("draft", args=[draft.uuid])
    draft.refresh_from_db()
    assert draft.document == before


def test_what_is_wrong_is_kept_and_said_beside_its_field(tess, draft, edited):
    edited(tess, draft, steps__0__answer__value="", variables__0__min="three", title="<b>Bold</b>")
    draft.refresh_from_db()
    assert draft.document["variables"]["a"]["min"] == "three"
    page = page_of(tess, draft)
    assert "&lt;b&gt;Bold" in page
    assert "<b>Bold" not in page
    assert "Not ready to publish" in page
    assert "expected a whole number" in page
    field = page.split('id="f-variables-0-min"')[1].split(">")[0]
    assert 'value="three"' in field


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize("view", ["draft", "draft_check"])
def test_what_is_too_large_to_keep_is_said_and_still_there(tess, draft, form_of, view, headers):
    before = draft.document
    text = "word " * 450_000
    data = form_of(page_of(tess, draft)) | {"body": text}
    response = tess.post(reverse(view, args=[draft.uuid]), data, headers=headers)
    assert response.status_code == 422
    page = response.content.decode()
    assert "too large for one problem" in page
    if not (headers and view == "draft_check"):
        assert text[:500] in page
    draft.refresh_from_db()
    assert draft.document == before


def test_an_error_of_a_field_is_tied_to_it(tess, draft, edited):
    edited(tess, draft, steps__0__answer__value="six x six x")
    page = page_of(tess, draft)
    field = page.split('id="f-steps-0-answer-value"')[1].split(">")[0]
    assert 'aria-invalid="true"' in field
    assert "f-steps-0-answer-value-said" in field
    assert 'id="f-steps-0-answer-value-said"' in page


@pytest.mark.parametrize(
    ("op", "count"),
    [
        ("add:steps", lambda d: len(d["steps"]) == 2),
        ("add:steps.0.hints", lambda d: d["steps"][0]["hints"][-1]["id"] == "h2"),
        ("scaffold:steps.0.hints", lambda d: d["steps"][0]["hints"][-1]["kind"] == "scaffold"),
        ("add:steps.0.choices", lambda d: d["steps"][0]["choices"][0]["id"] == "a"),
        ("add:steps.0.feedback", lambda d: len(d["steps"][0]["feedback"]) == 2),
        ("remove:steps.0.feedback.0", lambda d: d["steps"][0]["feedback"] == []),
        ("add:variables", lambda d: "c" in d["variables"]),
        ("remove:variables.2", lambda d: list(d["variables"]) == ["a", "b"]),
        ("down:steps.0.hints.0", lambda d: d["steps"][0]["hints"][1]["id"] == "h1"),
        ("up:steps.0.hints.1", lambda d: d["steps"][0]["hints"][0]["id"] == "s1"),
    ],
)
def test_a_button_changes_the_form_and_keeps_what_was_typed(tess, draft, edited, op, count):
    response = edited(tess, draft, op=op, title="Typed before")
    assert response.status_code == 302
    assert "#f-" in response.url
    draft.refresh_from_db()
    assert count(draft.document)
    assert draft.document["title"] == "Typed before"


@pytest.mark.parametrize(
    "op",
    [
        *("remove:steps.9", "up:steps.0", "down:steps.0", "add:nothing", "remove:title.0", "x:y"),
        *(
            "add:",
            "remove:",
            "add:steps.0.title",
            "remove:steps.x",
            "up:variables.0",
            "add:steps.7.hints",
        ),
    ],
)
def test_a_button_of_another_page_changes_nothing(tess, draft, edited, op):
    before = draft.document
    assert edited(tess, draft, op=op).status_code == 302
    draft.refresh_from_db()
    assert draft.document == before


def test_what_is_removed_is_forgotten_by_what_named_it(tess, draft, edited):
    edited(tess, draft, op="remove:steps.0.hints.1")
    draft.refresh_from_db()
    hints = draft.document["steps"][0]["hints"]
    assert [hint["id"] for hint in hints] == ["h1", "s1-1"]
    assert hints[1]["depends_on"] == []
    assert "parent" not in hints[1]


def test_htmx_gets_the_editor_with_what_to_look_at(tess, draft, form_of):
    url = reverse("draft", args=[draft.uuid])
    posted = form_of(page_of(tess, draft)) | {"op": ["add:steps.0.hints"]}
    response = tess.post(url, posted, headers=HTMX)
    page = response.content.decode()
    assert page.strip().startswith('<div id="editor"')
    assert 'data-focus-on="f-steps-0-hints-3"' in page
    assert "<html" not in page


def test_publishing_by_htmx_goes_to_its_page(tess, draft, form_of):
    posted = form_of(page_of(tess, draft)) | {"op": ["publish"]}
    response = tess.post(reverse("draft", args=[draft.uuid]), posted, headers=HTMX)
    assert response.headers["HX-Redirect"] == reverse("draft_publish", args=[draft.uuid])


def test_checks_and_preview_follow_what_is_being_written(tess, draft, form_of):
    url = reverse("draft_check", args=[draft.uuid])
    posted = form_of(page_of(tess, draft))
    posted["steps.0.prompt"] = ["Count @{a} and @{b}."]
    page = tess.post(url, posted, headers=HTMX).content.decode()
    assert page.strip().startswith('<div id="checks"')
    assert "Count " in page.split('id="shown"')[1]
    draft.refresh_from_db()
    assert draft.document["steps"][0]["prompt"] == "Count @{a} and @{b}."
    posted["steps.0.prompt"] = ["Count @{nobody}."]
    page = tess.post(url, posted, headers=HTMX).content.decode()
    assert "Not ready to publish" in page
    assert "nobody" in page


def test_a_new_problem_is_written_published_and_found(tess, course, lesson, edited):
    tess.post(reverse("problem_new", args=[course.uuid]), {"lesson": lesson.key})
    draft = Draft.objects.get()
    edited(
        tess,
        draft,
        op="publish",
        title="Threes",
        steps__0__prompt="How much is $3 \\times 3$?",
        steps__0__answer__value="9",
    )
    review = tess.get(reverse("draft_publish", args=[draft.uuid])).content.decode()
    assert "created" in review
    assert "another task now" not in review
    response = tess.post(reverse("draft_publish", args=[draft.uuid]), follow=True)
    assert "this is version 2 of Sums" in response.content.decode()
    problem = Problem.objects.get(course=course, title="Threes")
    assert response.redirect_chain[-1][0] == reverse("problem_detail", args=[problem.uuid])
    found = tess.get(reverse("course_content", args=[course.uuid]), {"q": "threes"})
    assert "Threes" in found.content.decode()


def test_the_difference_is_shown_before_publishing(tess, draft, edited):
    edited(tess, draft, steps__0__prompt="Now $@{a} + @{b}$?")
    page = tess.get(reverse("draft_publish", args=[draft.uuid])).content.decode()
    assert "<del>How much is $@{a} + @{b}$?</del>" in page
    assert "<ins>Now $@{a} + @{b}$?</ins>" in page
    assert "Step <code>p-add-a</code> is another task now" in page
    tess.post(reverse("draft_publish", args=[draft.uuid]), {"renewed": ["p-add-a"]})
    problem = Problem.objects.get(course=draft.course, key="p-add")
    assert [step.key for step in problem.steps.filter(is_retired=False)] == ["p-add-a.2"]


def test_publishing_what_is_wrong_comes_back_with_the_reasons(tess, draft, edited):
    edited(tess, draft, steps__0__answer__value="")
    for method in (tess.get, tess.post):
        response = method(reverse("draft_publish", args=[draft.uuid]))
        assert response.status_code == 422
        assert "The answer cannot be graded with" in response.content.decode()
    assert Draft.objects.exists()


def test_a_conflict_offers_both_ways_on(tess, draft, edited):
    Draft.objects.update(base="0" * 64)
    edited(tess, draft, title="Mine")
    response = tess.post(reverse("draft_publish", args=[draft.uuid]))
    assert response.status_code == 409
    page = response.content.decode()
    assert "Somebody else changed" in page
    assert reverse("draft_keep", args=[draft.uuid]) in page
    assert reverse("draft_discard", args=[draft.uuid]) in page
    tess.post(reverse("draft_keep", args=[draft.uuid]))
    assert tess.get(reverse("draft_publish", args=[draft.uuid])).status_code == 200


def test_a_draft_is_discarded(tess, draft, problem):
    response = tess.post(reverse("draft_discard", args=[draft.uuid]))
    assert response.url == reverse("problem_detail", args=[problem.uuid])
    assert not Draft.objects.exists()


class TestJson:
    def send(self, client, draft, text):
        return client.post(reverse("draft_json", args=[draft.uuid]), {"document": text})

    def test_a_document_is_kept(self, tess, draft):
        text = json.dumps(draft.document | {"title": "By hand"})
        assert self.send(tess, draft, text).status_code == 302
        draft.refresh_from_db()
        assert draft.document["title"] == "By hand"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('{"id": "p-add", ', "line 1"),
            ("[]", "expected an object"),
            ('{"id": "p-add"}', "The key &#x27;lesson&#x27; is missing"),
            ('{"id": "p-add", "id": "x"}', "stands twice"),
            ('{"a": NaN}', "NaN"),
        ],
    )
    def test_what_cannot_be_kept_comes_back_as_it_was_typed(self, tess, draft, text, said):
        before = draft.document
        response = self.send(tess, draft, text)
        page = response.content.decode()
        assert response.status_code == 422
        assert said in page
        assert text.replace('"', "&quot;") in page
        draft.refresh_from_db()
        assert draft.document == before

    def test_the_id_stays(self, tess, draft):
        text = json.dumps(draft.document | {"id": "p-other"})
        response = self.send(tess, draft, text)
        assert response.status_code == 422
        assert "answers point to" in response.content.decode()


class TestPreview:
    def test_a_variant_is_shown_as_its_learners_see_it(self, tess, problem):
        page = tess.get(reverse("problem_detail", args=[problem.uuid]), {"seed": 3})
        text = page.content.decode()
        assert "Variant 3" in text
        assert 'class="answer-input"' in text
        assert "@{" not in text.split('id="shown"')[1].split("</aside>")[0]
        assert "Next variant" in text

    def test_htmx_gets_another_variant_alone(self, tess, problem):
        url = reverse("problem_detail", args=[problem.uuid])
        page = tess.get(url, {"seed": 4}, headers=HTMX).content.decode()
        assert page.strip().startswith('<div id="shown"')

    @pytest.mark.parametrize(
        ("answer", "said"), [("7", "Right."), ("8", "Not right."), ("3x+", "Not read")]
    )
    def test_an_answer_is_tried_and_nothing_recorded(self, tess, world, client_of, answer, said):
        problem = Problem.objects.get(course=world.course, key="p-a1")
        posted = {"step": "1", "kind": "number", "answer": answer, "seed": "0"}
        for headers in ({}, HTMX):
            url = reverse("problem_try", args=[problem.uuid])
            page = tess.post(url, posted, headers=headers).content.decode()
            assert said in page
        assert not Response.objects.exists()

    def test_known_mistakes_and_helping_questions_answer_as_they_would(self, tess, world):
        problem = Problem.objects.get(course=world.course, key="p-a1")
        url = reverse("problem_try", args=[problem.uuid])
        posted = {"step": "0", "kind": "number", "answer": "12", "seed": "0"}
        page = tess.post(url, posted, headers=HTMX).content.decode()
        assert "You multiplied." in page.split('id="verdict"')[1]
        posted |= {"hint": "s1", "answer": "7"}
        page = tess.post(url, posted, headers=HTMX).content.decode()
        assert "Right." in page

    def test_an_earlier_revision_is_looked_at(self, tess, draft, problem, edited):
        edited(tess, draft, title="Later")
        tess.post(reverse("draft_publish", args=[draft.uuid]))
        url = reverse("problem_detail", args=[problem.uuid])
        assert "Add them" in tess.get(url, {"revision": 1}).content.decode().split('id="shown"')[1]
        assert "Later" in tess.get(url).content.decode().split('id="shown"')[1]
        assert tess.get(url, {"revision": 9}).status_code == 404

    def test_a_draft_that_cannot_be_drawn_says_so(self, tess, draft, edited):
        edited(tess, draft, steps__0__prompt="@{a +}")
        assert "This cannot be shown yet" in page_of(tess, draft)


class TestLists:
    def test_words_are_looked_for_in_titles_texts_and_skills(self, tess, course):
        def found(**asked):
            return tess.get(reverse("course_content", args=[course.uuid]), asked).content.decode()

        assert "p-times</code>" in found(q="times")
        assert "p-add</code>" not in found(q="times")
        assert "No problem is like that" in found(q="zebra")
        assert "p-add</code>" in found(lesson="l-add")
        assert "p-times</code>" not in found(lesson="l-add")

    def test_the_course_says_what_it_lacks(self, tess, course):
        Lesson.objects.get(course=course, key="l-times").problems.update(is_retired=True)
        page = tess.get(reverse("course_content", args=[course.uuid])).content.decode()
        assert "Lessons without a problem: Times." in page

    def test_quality_findings_are_listed_by_problem(self, tess, world, course, now):
        bundle = bundle_make()
        hints = [{"id": "h1", "text": "It is $6$."}, {"id": "h2", "text": "Really."}]
        put(bundle, "/problems/2/steps/0/hints", hints)
        course_import(bundle, by=world.tess, now=now, is_dry_run=False)
        url = reverse("course_quality", args=[course.uuid])
        page = tess.get(url, headers=HTMX).content.decode()
        assert page.strip().startswith('<div id="quality"')
        assert "1 problem on this page could be better" in page
        problem = Problem.objects.get(course=course, key="p-times")
        assert reverse("problem_detail", args=[problem.uuid]) in page
        page = tess.get(reverse("problem_detail", args=[problem.uuid])).content.decode()
        assert "Could be better" in page

    def test_as_many_queries_for_many_problems_as_for_few(
        self, tess, course, world, django_assert_max_num_queries
    ):
        for known in (course, world.course):
            with django_assert_max_num_queries(16):
                tess.get(reverse("course_content", args=[known.uuid]))

    def test_a_retired_problem_is_found_among_the_retired(self, tess, course, problem):
        tess.post(reverse("problem_retire", args=[problem.uuid]))
        url = reverse("course_content", args=[course.uuid])
        assert "p-add</code>" not in tess.get(url).content.decode()
        assert "p-add</code>" in tess.get(url, {"lesson": "retired"}).content.decode()
        page = tess.get(reverse("problem_detail", args=[problem.uuid])).content.decode()
        assert "Bring it back" in page
        tess.post(reverse("problem_restore", args=[problem.uuid]))
        assert "p-add</code>" in tess.get(url).content.decode()


class TestAuthors:
    def send(self, client, course, op, username):
        url = reverse("course_authors", args=[course.uuid])
        return client.post(url, {"op": op, "username": username}, follow=True).content.decode()

    def test_a_teacher_is_added_and_removed(self, tess, world, course):
        assert "may change this course now" in self.send(tess, course, "add", "ZOE")
        assert set(course.authors.all()) == {world.tess, world.zoe}
        assert "no author of this course any more" in self.send(tess, course, "remove", "zoe")
        assert list(course.authors.all()) == [world.tess]

    @pytest.mark.parametrize(
        ("op", "username", "said"),
        [
            ("add", "ada", "no teacher with the username"),
            ("add", "nobody", "no teacher with the username"),
            ("add", "", "Type the username"),
            ("remove", "zoe", "is no author of this course"),
            ("remove", "tess", "The last author stays"),
        ],
    )
    def test_what_cannot_be_is_said(self, tess, world, course, op, username, said):
        assert said in self.send(tess, course, op, username)
        assert list(course.authors.all()) == [world.tess]
