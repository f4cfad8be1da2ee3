"""One OATutor problem with its steps and hints, to a problem of the bundle."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tutor.content.bundles import Document
from tutor.content.errors import ContentUnreadableError
from tutor.content.oatutor_answers import answer_convert
from tutor.content.oatutor_text import text_convert, title_convert

TITLE_LENGTH = 120


@dataclass(frozen=True, slots=True)
class PoolProblem:
    """A problem's folder in the pool."""

    key: str
    document: Document
    folder: str
    files: tuple[str, ...]

    @property
    def shown(self) -> str:
        """How notes name the problem."""
        return f"content-pool/{self.key}"


Picture = Callable[[PoolProblem, str], str | None]


def problem_convert(
    problem: PoolProblem,
    *,
    lesson: str,
    read: Callable[[str], Any],
    skills_of: Callable[[str], list[str]],
    picture: Picture,
    notes: list[str],
) -> Document | None:
    """Convert a problem, or give None (with a note) when no step of it can be used."""
    worker = _Problem(problem, read, partial(picture, problem), notes)
    steps = []
    folders = {
        name[len(problem.folder) :].split("/")[1]
        for name in problem.files
        if name[len(problem.folder) :].startswith("steps/")
    }
    for key in sorted(folders):
        step = worker.step(key, skills_of)
        if step is not None:
            steps.append(step)
    if not steps:
        notes.append(f"{problem.shown}: problem left out: it has no usable step.")
        return None
    title = worker.filled(problem.document, "title")
    body = worker.text(worker.filled(problem.document, "body"))
    is_plain = "$$" not in title and "##" not in title and "\\n" not in title
    if is_plain and len(title_convert(title)) <= TITLE_LENGTH:
        shown = title_convert(title)
    else:
        shown, body = "", "\n\n".join(filter(None, [worker.text(title), body]))
    return {"id": problem.key, "lesson": lesson, "title": shown, "body": body, "steps": steps}


class _Problem:
    def __init__(
        self,
        problem: PoolProblem,
        read: Callable[[str], Any],
        picture: Callable[[str], str | None],
        notes: list[str],
    ) -> None:
        self.problem = problem
        self.read = read
        self.picture = picture
        self.notes = notes

    def note(self, where: str, message: str) -> None:
        self.notes.append(f"{self.problem.shown}/{where}: {message}.")

    def text(self, source: object) -> str:
        return text_convert(str(source or ""), picture=self.picture)

    def filled(self, document: Mapping[str, Any], key: str) -> str:
        """A text with OATutor's variables replaced by their first values."""
        text = str(document.get(key) or "")
        variables = {
            **(self.problem.document.get("variabilization") or {}),
            **(document.get("variabilization") or {}),
        }
        for name, values in variables.items():
            if f"@{{{name}}}" in text and values:
                first = values[0] if isinstance(values, list) else values
                text = text.replace(f"@{{{name}}}", str(first))
                self.note(str(document.get("id", "")), f"variable {name!r} is fixed to {first!r}")
        return text

    def step(self, key: str, skills_of: Callable[[str], list[str]]) -> Document | None:
        folder = f"{self.problem.folder}steps/{key}/"
        try:
            document = self.read(f"{folder}{key}.json")
        except ContentUnreadableError as error:
            self.note(f"steps/{key}", f"step left out: {error}".rstrip("."))
            return None
        if not isinstance(document, dict):
            self.note(f"steps/{key}", "step left out: its file holds no object")
            return None
        skills = skills_of(key)
        if not skills:
            self.note(f"steps/{key}", "step left out: the skill model gives it no skill")
            return None
        try:
            answer, choices = answer_convert(
                document,
                self._answers(document, "stepAnswer"),
                note=lambda message: self.note(f"steps/{key}", message),
            )
        except ValueError as error:
            self.note(f"steps/{key}", f"step left out: {error}")
            return None
        prompt = [self.text(self.filled(document, name)) for name in ("stepTitle", "stepBody")]
        step: Document = {
            "id": key,
            "prompt": "\n\n".join(filter(None, prompt)),
            "skills": skills,
            "answer": answer,
            "hints": self._hints(key, folder),
        }
        return step | ({"choices": choices} if choices else {})

    def _answers(self, document: Mapping[str, Any], key: str) -> list[str]:
        answers = document.get(key)
        listed = answers if isinstance(answers, list) else [answers] if answers else []
        return [self.filled({**document, key: answer}, key) for answer in listed]

    def _hints(self, step: str, folder: str) -> list[Document]:
        name = f"{folder}tutoring/{step}DefaultPathway.json"
        for other in self.problem.files:
            if other.startswith(f"{folder}tutoring/") and other != name:
                self.note(f"steps/{step}", f"pathway {other.rpartition('/')[2]!r} was left out")
        if name not in self.problem.files:
            return []
        try:
            documents = self.read(name)
        except ContentUnreadableError as error:
            self.note(f"steps/{step}", f"its hints were left out: {error}".rstrip("."))
            return []
        if not isinstance(documents, list):
            self.note(f"steps/{step}", "its hints were left out: the file holds no list")
            return []
        return _Hints(self, f"steps/{step}").convert(documents)

    def hint(self, document: Mapping[str, Any], where: str, key: str) -> Document | None:
        title = title_convert(self.filled(document, "title"))[:300]
        text = self.text(self.filled(document, "text"))
        if not text and not title:
            self.note(where, f"hint {key!r} was left out: it is empty")
            return None
        hint: Document = {"id": key, "kind": "hint", "title": title, "text": text}
        if not text:
            hint |= {"title": "", "text": title}
        if document.get("type") != "scaffold":
            if document.get("type") != "hint":
                self.note(where, f"hint {key!r} of type {document.get('type')!r} is a plain hint")
            return hint
        try:
            answer, choices = answer_convert(
                dict(document),
                self._answers(document, "hintAnswer"),
                note=lambda message: self.note(where, f"scaffold {key!r}: {message}"),
            )
        except ValueError as error:
            self.note(where, f"scaffold {key!r} became a plain hint: {error}")
            return hint
        return hint | {"kind": "scaffold", "answer": answer, "choices": choices}


class _Hints:
    """The hints of one step: ids made unique, dependencies made to point backwards."""

    def __init__(self, worker: _Problem, where: str) -> None:
        self.worker = worker
        self.where = where
        self.made: list[Document] = []
        # The pool's id of a hint -> the id it got here.
        self.given: dict[str, str] = {}

    def convert(self, documents: Sequence[Any]) -> list[Document]:
        for at, document in enumerate(documents, start=1):
            if not isinstance(document, dict):
                self.worker.note(self.where, f"hint {at} was left out: it is no object")
                continue
            hint = self._add(document, fallback=f"h{at}")
            if hint is None:
                continue
            for number, below in enumerate(document.get("subHints") or [], start=1):
                if isinstance(below, dict):
                    self._add_below(below, hint, number)
        return self.made

    def _add(self, document: Mapping[str, Any], *, fallback: str) -> Document | None:
        named = str(document.get("id") or "") or fallback
        key, number = named, 2
        taken = {hint["id"] for hint in self.made}
        while key in taken:
            key, number = f"{named}-{number}", number + 1
        if key != named:
            self.worker.note(self.where, f"hint id {named!r} stands twice: one became {key!r}")
        hint = self.worker.hint(document, self.where, key)
        if hint is not None:
            self._depend(document, hint)
            self.made.append(hint)
            self.given[named] = key
        return hint

    def _add_below(self, document: Mapping[str, Any], parent: Document, number: int) -> None:
        hint = self._add(document, fallback=f"{parent['id']}-s{number}")
        if hint is not None:
            hint["parent"] = parent["id"]
            hint["depends_on"] = hint["depends_on"] or [parent["id"]]

    def _depend(self, document: Mapping[str, Any], hint: Document) -> None:
        """Hints are made in the pool's order, so what is not made yet would be a circle or gone."""
        depends_on: list[str] = []
        for named in document.get("dependencies") or []:
            key = self.given.get(str(named))
            if key is None:
                reason = "which does not come before it in this step"
                message = f"hint {hint['id']!r} no longer depends on {named!r}, {reason}"
                self.worker.note(self.where, message)
            elif key not in depends_on:
                depends_on.append(key)
        hint["depends_on"] = depends_on
