"""A teacher keeps a class in a real browser: a list imported, work set, words said, passwords."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import axe_check, log_in, shot
from tests.e2e.conftest import OpenPage
from tests.e2e.hands import Hands, Keyboard, Mouse
from tests.e2e.test_teacher import class_make
from tests.world import PASSWORD, world_make
from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.roster.models import Classroom

NEW = 30
# Lines 5, 12 and 20 of the file are wrong: no name, a blank in the username, a name twice.
WRONG = {5: ";u5", 12: "Name 12;u 12", 20: "Name 19;"}


def table(*, is_right: bool) -> str:
    rows = {line: f"Name {line};{f'u{line}' if line % 2 else ''}" for line in range(2, NEW + 2)}
    return "\n".join(["Name;Username", *(rows if is_right else rows | WRONG).values()]) + "\n"


@pytest.fixture
def classroom(transactional_db: None) -> Classroom:
    """A class with a history."""
    return class_make(world_make(now=now_utc()))


def look(page: Page, name: str) -> None:
    """Picture and axe of a teacher's page."""
    shot(page, f"keeping-{name}")
    axe_check(page)


@pytest.mark.parametrize("hands_kind", [Mouse, Keyboard])
def test_a_list_with_three_bad_rows_is_mended_and_imported(
    classroom: Classroom, page_desktop: Page, hands_kind: type[Hands]
) -> None:
    page = page_desktop
    hands = hands_kind(page)
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/classes/{classroom.uuid}/roster/")
    hands.press(page.get_by_role("link", name="Import a list"))
    field = page.get_by_label("Or the table itself")
    if isinstance(hands, Mouse):
        page.get_by_label("A file").set_input_files(
            {
                "name": "6a.csv",
                "mimeType": "text/csv",
                "buffer": table(is_right=False).encode("utf-16"),
            }
        )
    else:
        hands.reach(field)
        page.keyboard.insert_text(table(is_right=False))
    hands.press(page.get_by_role("button", name="See what it would do"))
    errors = page.locator(".error-table tbody tr")
    expect(errors).to_have_count(3)
    expect(errors.nth(0)).to_contain_text("5")
    expect(errors.nth(1)).to_contain_text("u 12")
    expect(errors.nth(2)).to_contain_text("line 19 has the same name")
    look(page, f"import-errors-{hands_kind.__name__}")
    # What was read comes first now, under a label of its own.
    field = page.get_by_label("The table", exact=True)
    assert User.objects.filter(username__regex=r"^u\d").count() == 0

    hands.reach(field) if isinstance(hands, Keyboard) else field.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(table(is_right=True))
    hands.press(page.get_by_role("button", name="Check again"))
    expect(page.get_by_role("heading", name="What would happen")).to_be_visible()
    look(page, f"import-preview-{hands_kind.__name__}")
    hands.press(page.get_by_role("button", name=f"Import {NEW} learners"))
    expect(page.locator(".slip")).to_have_count(NEW)
    look(page, f"slips-{hands_kind.__name__}")
    if isinstance(hands, Mouse):
        page.emulate_media(media="print")
        shot(page, "keeping-slips-print")
        page.emulate_media(media="screen")
    hands.press(page.get_by_role("link", name="Back to the roster"))
    expect(page.get_by_role("row").filter(has_text="Name 31")).to_be_visible()
    hands.write(page.get_by_label("Search by name or username"), "name 3")
    expect(page.locator("#list tbody tr")).to_have_count(3)
    look(page, f"roster-search-{hands_kind.__name__}")


@pytest.mark.parametrize("hands_kind", [Mouse, Keyboard])
def test_an_assignment_is_set_and_a_learner_reads_it(
    classroom: Classroom, open_page: OpenPage, hands_kind: type[Hands]
) -> None:
    page, learner = open_page(), open_page(is_phone=True)
    hands = hands_kind(page)
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/classes/{classroom.uuid}/assignments/")
    look(page, "assignments-none")
    hands.press(page.get_by_role("link", name="New assignment"))
    skill = page.get_by_role("checkbox", name="Equivalent fractions")
    hands.reach(skill) if isinstance(hands, Keyboard) else None
    page.keyboard.press("Space") if isinstance(hands, Keyboard) else skill.check()
    expect(skill).to_be_checked()
    due = page.get_by_label("Until")
    if isinstance(hands, Keyboard):
        hands.reach(due)
        page.keyboard.type("12312030")
    else:
        due.fill("2030-12-31")
    hands.write(page.get_by_label("A word to it"), "Look at the number line again.")
    hands.press(page.get_by_role("button", name="See whether it fits"))
    expect(page.locator("#look tbody tr")).to_have_count(12)
    look(page, f"assignment-look-{hands_kind.__name__}")
    hands.press(page.get_by_role("button", name="Assign", exact=True))
    expect(page.get_by_role("heading", name="Equivalent fractions", level=1)).to_be_visible()
    look(page, f"assignment-{hands_kind.__name__}")

    pupil = User.objects.get(username="pupil1")
    pupil.set_password(PASSWORD)
    pupil.save()
    log_in(learner, "pupil1", PASSWORD)
    expect(learner.get_by_text("Look at the number line again.")).to_be_visible()
    shot(learner, "keeping-learner-home")

    page.goto(f"/teach/classes/{classroom.uuid}/")
    expect(page.locator(".mini-assignment")).to_contain_text("Equivalent fractions")
    look(page, f"class-{hands_kind.__name__}")


def test_a_word_is_said_and_lifted_a_note_kept_and_a_password_renewed(
    classroom: Classroom, open_page: OpenPage
) -> None:
    page, learner = open_page(), open_page()
    hands = Keyboard(page)
    log_in(page, "tess", PASSWORD)
    pupil = User.objects.get(display_name="Goran")
    home = f"/teach/classes/{classroom.uuid}/learners/{pupil.uuid}/"
    page.goto(home)
    hands.press(page.get_by_text("Say something of a skill"))
    hands.reach(page.get_by_label("Skill", exact=True))
    page.keyboard.type("Comparing")
    hands.reach(page.get_by_role("radio", name="knows it", exact=True))
    page.keyboard.press("Space")
    hands.write(page.get_by_role("textbox", name="Why"), "Explained it at the board.")
    hands.press(page.get_by_role("button", name="Say so"))
    word = page.locator("#words .word")
    expect(word).to_contain_text("teacher: knows it")
    expect(page.locator(".skill-table .tag-word")).to_have_count(1)
    look(page, "learner-word")
    hands.press(page.get_by_role("button", name=re.compile("^Lift")))
    expect(word).to_have_count(0)

    hands.write(page.get_by_label("A new note"), "Works best with Hana.")
    hands.press(page.get_by_role("button", name="Keep the note"))
    expect(page.locator("#notes .note")).to_contain_text("Works best with Hana.")

    page.goto(f"{home}account/")
    look(page, "account")
    hands.press(page.get_by_role("button", name="Make a new password"))
    plain = page.locator(".slip-secret").nth(1).inner_text()
    look(page, "slip")
    log_in(learner, pupil.username, plain)
    expect(learner).to_have_url(re.compile("/learn/"))
    page.goto(f"{home}account/")
    hands.press(page.get_by_role("button", name="Make a new password"))
    expect(page.locator(".slip")).not_to_contain_text(plain)
    learner.goto("/learn/")
    expect(learner).to_have_url(re.compile("/login/"))


@pytest.mark.parametrize(
    ("width", "is_dark"),
    [(1920, False), (1280, False), (1280, True), (820, False), (360, False), (360, True)],
)
def test_every_page_fits_every_screen(
    classroom: Classroom, open_page: OpenPage, width: int, is_dark: bool
) -> None:
    page = open_page(is_dark=is_dark)
    page.set_viewport_size({"width": width, "height": 900})
    classroom.teachers.add(User.objects.get(username="root"))
    log_in(page, "root", PASSWORD)
    pupil = User.objects.get(display_name="Goran")
    home = f"/teach/classes/{classroom.uuid}/"
    mark = f"{width}{'-dark' if is_dark else ''}"
    page.goto(f"{home}assignments/new/")
    page.get_by_role("checkbox", name="Equivalent fractions").check()
    page.get_by_label("Until").fill("2030-12-31")
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.locator("#progress")).to_be_visible()
    look(page, f"assignment-{mark}")
    for name, target in (
        ("classes", "/teach/"),
        ("class", home),
        ("roster", f"{home}roster/"),
        ("import", f"{home}roster/import/"),
        ("account", f"{home}learners/{pupil.uuid}/account/"),
        ("learner", f"{home}learners/{pupil.uuid}/"),
        ("settings", f"{home}settings/"),
        ("assignments", f"{home}assignments/"),
        ("assignment-new", f"{home}assignments/new/"),
        ("audit", "/teach/audit/"),
    ):
        page.goto(target)
        look(page, f"{name}-{mark}")
