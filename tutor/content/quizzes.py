"""Questions of quiz formats to a course: groups become lessons, every item is taken or listed.

Quiz formats know neither skills nor prerequisites: each group (a category, a quiz, a bank) becomes
a lesson and a skill of the same name, which the notes say. Ids come from the file where it has
them, else from titles or from what a question says, never from positions.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from django.utils.text import slugify
from django.utils.translation import gettext as _

from tutor.content.bundles import FORMAT, FORMAT_VERSION, Document, checksum
from tutor.content.errors import ContentUnreadableError, value_shown
from tutor.content.escaping import template_escape
from tutor.content.oatutor import id_from
from tutor.content.origins import Origin

_ENDINGS = (".gift.txt", ".aiken.txt", ".xml.qti")
TITLE_LENGTH = 300


class Unsupported(Exception):  # noqa: N818 - told as a reason, not as an error
    """A question that our kinds cannot hold; the text says why, to follow "left out: "."""


def stem_of(name: str) -> str:
    """A file's name without its folders and endings."""
    base = PurePosixPath(name.replace("\\", "/")).name
    for ending in _ENDINGS:
        if base.lower().endswith(ending):
            return base[: -len(ending)]
    return PurePosixPath(base).stem or base


def title_of(text: str) -> str:
    """A title on one line, shortened to what fits."""
    flat = " ".join(text.split())
    return flat if len(flat) <= TITLE_LENGTH else flat[: TITLE_LENGTH - 1] + "…"


class QuizCourse:
    """Collects groups and questions, and gives the bundle with its notes and places."""

    def __init__(self, name: str, *, title: str = "", key: str = "") -> None:
        self.name = name
        self.title = (" ".join(title.split()) or stem_of(name))[:200]
        self.key = key or slugify(stem_of(name))[:120] or "quiz"
        self.notes: list[str] = []
        self.assets: dict[str, Document] = {}
        self._groups: dict[str, str] = {}
        self._group = ""
        self._problems: dict[str, Document] = {}
        self._digests: dict[str, str] = {}
        self._places: dict[str, str] = {}
        self._steps: set[str] = set()

    def group(self, title: str, *, key: str = "") -> None:
        """Put what follows into a group; the same name again is the same group."""
        shown = " ".join(title.split())[:200] or self.title
        key = id_from(key) or id_from(slugify(shown)) or f"g-{checksum(shown)[:12]}"
        self._groups.setdefault(key, shown)
        self._group = key

    def note(self, where: str, text: str) -> None:
        """List something that was mended, or read in a way that is worth knowing."""
        self.notes.append(f"{where}: {text}.")

    def left_out(self, where: str, what: str, reason: str) -> None:
        """List something that is not in the course."""
        self.notes.append(f"{where}: {what} was left out: {reason}.")

    def add(self, where: str, problem: Document, *, key: str = "") -> None:
        """Take a question: a problem without id and lesson, its steps without skills.

        Steps may have an `id` of their own, which is joined to the problem's.
        """
        if not self._group:
            self.group(self.title)
        digest = checksum(problem)
        first = self._digests.setdefault(digest, where)
        if first != where:
            self.left_out(where, "the question", f"it says the same as the one at {first}")
            return
        wanted = id_from(key)[:100]
        key = wanted or f"q-{digest[:12]}"
        if key in self._problems:
            key = f"{key}-{digest[:8]}"
            self.note(where, f"the id {wanted!r} is taken already: it got the id {key!r}")
        steps = [
            {**step, "id": self._step_id(key, step.get("id", "")), "skills": [self._group]}
            for step in problem["steps"]
        ]
        self._places[key] = where
        self._problems[key] = {**problem, "id": key, "lesson": self._group, "steps": steps}

    def _step_id(self, problem: str, part: str) -> str:
        joined = id_from(f"{problem}-{part}")[:110] if part else problem
        key, number = joined, 2
        while key in self._steps:
            key, number = f"{joined}-{number}", number + 1
        self._steps.add(key)
        return key

    def finish(self) -> tuple[Document, tuple[str, ...], Origin]:
        """Give the bundle.

        Raises:
            ContentUnreadableError: when no question at all was taken, with the first reasons.
        """
        if not self._problems:
            shown = " ".join(self.notes[:5]) or "It holds no question."
            raise ContentUnreadableError(
                _("'{name}' gives no question. {shown}").format(name=self.name, shown=shown)
            )
        used = {problem["lesson"] for problem in self._problems.values()}
        for key, title in self._groups.items():
            if key not in used:
                self.left_out(self.name, f"the group {title!r}", "no question of it was taken")
        groups = {key: title for key, title in self._groups.items() if key in used}
        self.notes.insert(
            0,
            f"{self.name}: each group of questions became a lesson and a skill of the same name, "
            "since the file does not say what its questions practise.",
        )
        titles = {key: template_escape(title) for key, title in groups.items()}
        bundle: Document = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "course": {"id": self.key, "title": self.title},
            "skills": [{"id": key, "title": title} for key, title in titles.items()],
            "lessons": [
                {"id": key, "title": title, "skills": [key]} for key, title in titles.items()
            ],
            "problems": list(self._problems.values()),
            "assets": list(self.assets.values()),
        }
        places = {f"/problems/{at}": self._places[key] for at, key in enumerate(self._problems)}
        return bundle, tuple(self.notes), Origin(places)


def choice_step(
    texts: Sequence[str], correct: Sequence[int], feedback: Sequence[str], *, is_several: bool
) -> Document:
    """A step that picks one of the texts, or several.

    Raises:
        Unsupported: with fewer than two choices, or none or too many that are right.
    """
    if len(texts) < 2:
        raise Unsupported(f"it has {len(texts)} answer to choose from, expected two or more")
    if not correct:
        raise Unsupported("no answer is marked as right")
    if len(correct) > 1 and not is_several:
        raise Unsupported(
            f"{len(correct)} answers are each right by themselves, and one is to be picked"
        )
    for at, text in enumerate(texts):
        if not text:
            raise Unsupported(f"answer {at + 1} is empty")
    choices = [
        {"id": f"c{at}", "text": text} | ({"feedback": told} if told else {})
        for at, (text, told) in enumerate(zip(texts, feedback, strict=True), start=1)
    ]
    ids = [choices[at]["id"] for at in correct]
    if is_several:
        return {"answer": {"kind": "multiple_choice", "correct": ids}, "choices": choices}
    return {"answer": {"kind": "choice", "correct": ids[0]}, "choices": choices}


def matching_step(pairs: Sequence[tuple[str, str]], others: Sequence[str] = ()) -> Document:
    """A step that matches each left text with a right one; `others` match nothing.

    Raises:
        Unsupported: without pairs, or with fewer than two right texts.
    """
    rights = list(dict.fromkeys([*(right for _, right in pairs), *others]))
    if not pairs or len(rights) < 2:
        raise Unsupported("matching needs a pair and two answers or more")
    if not all(rights) or not all(left for left, _ in pairs):
        raise Unsupported("a side of a pair is empty")
    ids = {right: f"c{at}" for at, right in enumerate(rights, start=1)}
    left = [{"id": f"l{at}", "text": text} for at, (text, _) in enumerate(pairs, start=1)]
    correct = {f"l{at}": ids[right] for at, (_, right) in enumerate(pairs, start=1)}
    return {
        "answer": {"kind": "matching", "left": left, "correct": correct},
        "choices": [{"id": key, "text": text} for text, key in ids.items()],
    }


def text_step(accepted: Sequence[str], *, is_case_sensitive: bool = False) -> Document:
    """A step that is answered in words.

    Raises:
        Unsupported: without an accepted text.
    """
    texts = [" ".join(text.split()) for text in accepted]
    given = [template_escape(text) for text in dict.fromkeys(texts) if text]
    if not given:
        raise Unsupported("no accepted answer is given")
    answer: Document = {"kind": "text", "accepted": given}
    return {"answer": answer | ({"case_sensitive": True} if is_case_sensitive else {})}


def shown(text: str) -> str:
    """A question's text for a note."""
    flat = value_shown(" ".join(text.split()))
    return f"'{flat if len(flat) <= 60 else flat[:59] + '…'}'"


def id_clean(text: str) -> str:
    """An id of a title: letters and digits, hyphens between."""
    return re.sub(r"-{2,}", "-", id_from(slugify(text)))
