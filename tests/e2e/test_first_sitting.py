"""A new learner's first sitting, whole: placement, lesson, every answer kind, help, a review."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.browsing import axe_check, log_in, shot
from tests.e2e.conftest import OpenPage
from tests.e2e.hands import Hands, Keyboard, Mouse
from tests.e2e.kinds import CHOICES, KINDS, sitting_bundle
from tests.world import PASSWORD
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.common.clock import now_utc
from tutor.content.importing import course_import
from tutor.content.models import Course
from tutor.practice.models import Session, SessionKind
from tutor.practice.recording import scene_of
from tutor.responses.models import Response, ResponseKind, ResponseSource
from tutor.roster.services import classroom_create, classroom_join
from tutor.scheduling.models import Placement, SkillStanding

pytestmark = pytest.mark.django_db(transaction=True)

# Name, what the browser is like, whether there is a mouse.
WAYS = [
    ("mouse-phone-dark", {"is_phone": True, "is_dark": True}, True),
    ("keyboard-desktop", {}, False),
    ("no-script", {"has_javascript": False}, True),
]


@pytest.fixture
def newcomer(live_server: LiveServer) -> User:
    """A learner who has just joined a class on the course of the sitting."""
    now = now_utc()
    course_import(sitting_bundle(), by=None, now=now, is_dry_run=False)
    course = Course.objects.get(key="sitting")
    classroom = classroom_create(name="6b", course=course, teachers=[], now=now)
    nia = account_create(username="nia", display_name="Nia New", password=PASSWORD)
    classroom_join(nia, join_code=classroom.join_code, now=now)
    return nia


@pytest.mark.parametrize(("name", "browser_of", "has_mouse"), WAYS, ids=[way[0] for way in WAYS])
def test_a_first_sitting(
    open_page: OpenPage,
    newcomer: User,
    name: str,
    browser_of: dict[str, bool],
    has_mouse: bool,
) -> None:
    page = open_page(**browser_of)
    hands: Hands = Mouse(page) if has_mouse else Keyboard(page)
    # Axe is a script of its own: it does not run in a page that may run none.
    is_scripted = browser_of.get("has_javascript", True)
    walk = Walk(page, hands, name=name, is_scripted=is_scripted)
    log_in(page, "nia", PASSWORD)
    walk.look("home")
    walk.placement()
    walk.lesson_and_first_skill()
    walk.every_kind()
    walk.review(newcomer)
    assert not Response.objects.filter(learner=newcomer, is_observation=True).exclude(
        kind__in=[ResponseKind.ANSWER, ResponseKind.HINT, ResponseKind.DONT_KNOW]
    )


class Walk:
    """One way through the sitting."""

    def __init__(self, page: Page, hands: Hands, *, name: str, is_scripted: bool) -> None:
        self.page, self.hands, self.name, self.is_scripted = page, hands, name, is_scripted

    def look(self, what: str) -> None:
        if self.is_scripted:
            axe_check(self.page)
        shot(self.page, f"sitting-{what}-{self.name}")

    def button(self, name: str) -> None:
        main = self.page.get_by_role("main")
        self.hands.press(main.get_by_role("button", name=name, exact=True))

    def placement(self) -> None:
        page = self.page
        self.hands.press(page.get_by_role("link", name="Find where to begin"))
        expect(page.locator("h1", has_text="Find where to begin")).to_be_visible()
        self.look("placement-offer")
        self.button("Begin")
        expect(page.get_by_text("Question 1, at most 25")).to_be_visible()
        self.look("placement-question")
        self.button("I don’t know this yet")
        expect(page.get_by_text("Question 1, at most 25")).to_have_count(0)
        assert Response.objects.get().source == ResponseSource.PLACEMENT
        if Placement.objects.get().ended_at is None:
            self.button("Stop and see the result")
        expect(page.get_by_role("heading", name="Where you can begin")).to_be_visible()
        self.look("placement-found")
        self.hands.press(page.get_by_role("link", name="Start learning"))
        expect(page.locator("h1", has_text="Hello, Nia New")).to_be_visible()

    def lesson_and_first_skill(self) -> None:
        page = self.page
        self.button("Start")
        expect(page.get_by_text("New: first the lesson")).to_be_visible()
        expect(page.get_by_text("Count on from the larger number.")).to_be_visible()
        self.look("lesson")
        self.button("To the first problem")
        self.hands.write(page.get_by_label("Your answer"), "7")
        self.button("Check")
        expect(page.locator("#feedback-title")).to_contain_text("Right")
        self.look("right")

    def every_kind(self) -> None:
        """What builds on the first skill opens with it; its one problem has a step of each kind."""
        page = self.page
        SkillStanding.objects.update_or_create(
            learner=User.objects.get(username="nia"),
            skill=Course.objects.get(key="sitting").skills.get(key="kinds"),
            defaults={"opened_at": now_utc()},
        )
        page.goto("/learn/map/")
        self.look("map")
        skill = Course.objects.get(key="sitting").skills.get(key="kinds")
        page.goto(f"/learn/{skill.course.uuid}/skills/{skill.uuid}/")
        self.look("skill")
        self.button("Practise this")
        expect(page.get_by_text("Read each step.")).to_be_visible()
        self.button("To the first problem")
        for place, kind in enumerate(KINDS):
            expect(page.get_by_text(f"step {place + 1} of {len(KINDS)}")).to_be_visible()
            if kind == "number":
                self.help_first()
            if kind == "text":
                self.give_up()
            else:
                self.answer(kind)
                self.button("Check")
                expect(page.locator("#feedback-title")).to_contain_text("Right")
            if place + 1 < len(KINDS):
                self.button("Next step")
        kinds = Response.objects.filter(is_observation=True).values_list("kind", flat=True)
        assert {ResponseKind.HINT, ResponseKind.DONT_KNOW, ResponseKind.ANSWER} <= set(kinds)

    def help_first(self) -> None:
        page = self.page
        self.button("Give me a hint")
        expect(page.get_by_text("Look at the ruler.")).to_be_visible()
        self.button("Another hint")
        expect(page.get_by_text("What comes after 11?")).to_be_visible()
        self.look("hints")
        self.hands.write(page.get_by_label("Your answer to this question"), "12")
        self.button("Check this")
        expect(page.locator(".scaffold-right")).to_be_visible()
        self.hands.write(page.get_by_label("Your answer", exact=True), "13 cm")
        self.button("Check")
        expect(page.locator("#not-yet")).to_contain_text("One too many.")
        self.look("not-yet")

    def give_up(self) -> None:
        page = self.page
        self.button("I don’t know this yet")
        expect(page.locator("#feedback-title")).to_contain_text("Here is how it goes")
        expect(page.locator("details.solution[open]")).to_be_visible()
        self.look("shown")

    def answer(self, kind: str) -> None:
        page, hands = self.page, self.hands
        typed = KINDS[kind][2]
        if typed:
            hands.write(page.get_by_label("Your answer", exact=True), typed)
        elif kind in {"choice", "multiple_choice"}:
            for key in ["half"] if kind == "choice" else ["half", "quarter"]:
                hands.tick(page.locator(f"#screen input[value={key}]"))
        elif kind == "ordering":
            for place, word in enumerate(("one", "two", "three"), start=1):
                hands.select(page.locator(f"select[name=order-{word}]"), str(place))
        else:
            letters = self.letters()
            for side, key in (("l1", "half"), ("l2", "quarter")):
                hands.select(page.locator(f"select[name=match-{side}]"), letters[key])

    def letters(self) -> dict[str, str]:
        """The letter under which each partner stands, as mixed on this screen."""
        options = self.page.locator("select[name=match-l1] option").all()
        found = {
            str(option.get_attribute("value")): option.inner_text().strip()
            for option in options
            if option.get_attribute("value")
        }
        assert set(found) == {choice["id"] for choice in CHOICES}
        return found

    def review(self, learner: User) -> None:
        """Days later something has faded: home says so, and a right answer brings it back."""
        page = self.page
        self.button("Finish" if page.get_by_role("button", name="Finish").count() else "Continue")
        expect(page.locator("#feedback-title")).to_have_count(0)
        later = now_utc() - timedelta(days=10)
        skill = Course.objects.get(key="sitting").skills.get(key="sums")
        Session.objects.update(ended_at=now_utc())
        Response.objects.update(answered_at=later)
        SkillStanding.objects.filter(learner=learner, skill=skill).update(
            is_mastered=False, mastered_at=later, review_due_at=later
        )
        page.goto("/learn/")
        due = page.locator("section", has=page.get_by_role("heading", name="Due for review"))
        expect(due.get_by_role("link", name="Small sums")).to_be_visible()
        self.look("home-review")
        page.goto(f"/learn/{skill.course.uuid}/skills/{skill.uuid}/")
        self.button("Practise this")
        expect(page.get_by_label("Your answer")).to_be_visible()
        expect(page.get_by_text("New: first the lesson")).to_have_count(0)
        session = Session.objects.filter(kind=SessionKind.PRACTICE).latest("id")
        assert scene_of(session) is not None
        self.hands.write(page.get_by_label("Your answer"), "7")
        self.button("Check")
        expect(page.locator("#feedback-title")).to_contain_text("Right")
        page.goto("/learn/progress/")
        self.look("progress")
