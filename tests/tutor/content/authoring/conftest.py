"""tess's own course, another's draft, and the editor's form as a browser would post it."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from tests.tutor.content.authoring.filling import Posted
from tests.tutor.content.bundle_case import bundle_make
from tests.world import World
from tutor.content.authoring.drafts import draft_open
from tutor.content.importing import course_import
from tutor.content.models import Course, Draft, DraftKind, Lesson, Problem

_INPUT = re.compile(
    r'<input type="(?P<type>\w+)"(?P<input>[^>]*)>'
    r"|<textarea (?P<area>[^>]*)>\n(?P<text>.*?)</textarea>"
    r"|<select (?P<select>[^>]*)>(?P<options>.*?)</select>",
    re.DOTALL,
)
_PICKED = re.compile(r'<option value="([^"]*)" selected>')


@pytest.fixture
def course(world: World, now) -> Course:
    """A course whose author is tess."""
    made = course_import(bundle_make(), by=world.tess, now=now, is_dry_run=False).course
    assert made is not None
    return made


@pytest.fixture
def problem(course: Course) -> Problem:
    """Its problem with variants."""
    return Problem.objects.get(course=course, key="p-add")


@pytest.fixture
def lesson(course: Course) -> Lesson:
    """Its lesson with a worked example."""
    return Lesson.objects.get(course=course, key="l-times")


@pytest.fixture
def draft(world: World, course: Course, now) -> Draft:
    """tess's draft of the problem with variants."""
    return draft_open(course, DraftKind.PROBLEM, "p-add", by=world.tess, now=now)


@pytest.fixture
def form_of() -> Callable[[str], Posted]:
    """Read the editor's form from its page."""

    def read(page: str) -> Posted:
        form = page.split('id="draft-form"')[1].split("</form>")[0]
        posted: Posted = {}
        for found in _INPUT.finditer(form):
            attributes = found["input"] or found["area"] or found["select"]
            name = re.search(r'name="([^"]*)"', attributes)
            assert name, found[0]
            if found["select"]:
                picked = _PICKED.search(found["options"])
                values = [unescape(picked[1])] if picked else []
            elif found["area"]:
                values = [unescape(found["text"]).replace("\n", "\r\n")]
            elif found["type"] in {"checkbox", "radio"} and " checked" not in attributes:
                values = []
            else:
                value = re.search(r'value="([^"]*)"', attributes)
                values = [unescape(value[1]) if value else "on"]
            if values:
                posted.setdefault(name[1], []).extend(values)
        posted.pop("csrfmiddlewaretoken", None)
        return posted

    return read


@pytest.fixture
def edited(form_of: Callable[[str], Posted]) -> Callable[..., "object"]:
    """Open a draft's page, change fields, and press a button."""

    def send(client: Client, draft: Draft, *, op: str = "save", **changes: str):
        url = reverse("draft", args=[draft.uuid])
        posted: Posted = form_of(client.get(url).content.decode())
        posted |= {name.replace("__", "."): [value] for name, value in changes.items()}
        return client.post(url, posted | {"op": [op]})

    return send
