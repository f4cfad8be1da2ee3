"""An OATutor content pool, folder or zip, to a bundle; all that was mended or left out is listed.

What is converted and how is told in docs/import.md. Nothing is dropped in silence: each note names
the file and the reason.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _

from tutor.content.archives import Files
from tutor.content.bundles import FORMAT, FORMAT_VERSION, Document
from tutor.content.checks_assets import media_type_of
from tutor.content.decoding import json_read
from tutor.content.errors import ContentUnreadableError
from tutor.content.findings import Progress, progress_ignored
from tutor.content.oatutor_problems import PoolProblem, problem_convert
from tutor.content.oatutor_text import title_convert

PLANS = "coursePlans.json"
SKILL_MODEL = "skillModel.json"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,119}")
_SOURCE = re.compile(r"\s*(\S+)\s*<([^>]*)>\s*")


def is_oatutor(names: Iterable[str]) -> bool:
    """Whether the files look like an OATutor content pool."""
    return any(PurePosixPath(name).name == PLANS for name in names)


def id_from(text: str) -> str:
    """Make an id of any text: what an id may not hold becomes a hyphen."""
    if _ID.fullmatch(text):
        return text
    return re.sub(r"[^A-Za-z0-9._:-]+", "-", text).strip("-._:")[:120]


def oatutor_read(
    files: Files, *, course_name: str | None = None, progress: Progress = progress_ignored
) -> tuple[Document, list[str]]:
    """Convert one course of the pool; `course_name` says which, where it has several.

    Raises:
        ContentUnreadableError: when the pool's own files are not there or not readable.
    """
    return _Conversion(files).run(course_name, progress)


class _Conversion:
    def __init__(self, files: Files) -> None:
        self.files = files
        self.notes: list[str] = []
        plans = [name for name in files.names if PurePosixPath(name).name == PLANS]
        if not plans:
            raise ContentUnreadableError(
                _("There is no {plans}; expected an OATutor content pool.").format(plans=PLANS)
            )
        self.root = min(plans, key=len).removesuffix(PLANS)
        self.assets: dict[str, Document] = {}
        # Renamed ids, so that the same name always becomes the same id.
        self.skill_titles: dict[str, str] = {}

    def run(self, course_name: str | None, progress: Progress) -> tuple[Document, list[str]]:
        plan = self._plan(course_name)
        skill_model = self._object(SKILL_MODEL)
        lessons = self._lessons(plan)
        problems = self._problems(str(plan.get("courseName", "")), lessons, skill_model, progress)
        for lesson in lessons.values():
            self._lesson_skills_fill(lesson, problems)
        used = [lesson for lesson in lessons.values() if self._is_useful(lesson, problems)]
        for name in self.files.names:
            if name.startswith(f"{self.root}bkt-params/"):
                self.notes.append(f"{name}: left out; the site starts from its own parameters.")
        licence, attribution = _licence(plan.get("courseLicense")), _source(plan.get("courseOER"))
        bundle: Document = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "course": {
                "id": slugify(plan.get("courseName") or "")[:120] or "oatutor",
                "title": str(plan.get("courseName") or "OATutor course")[:200],
                "language": str(plan.get("language") or "en"),
                "licence": licence,
                "attribution": f"{attribution}; OATutor (https://OATutor.io)".removeprefix("; "),
            },
            "skills": [{"id": key, "title": title} for key, title in self.skill_titles.items()],
            "lessons": used,
            "problems": problems,
            "assets": list(self.assets.values()),
        }
        return bundle, self.notes

    def _object(self, name: str) -> Document:
        document = self._json(self.root + name)
        if not isinstance(document, dict):
            raise ContentUnreadableError(_("'{name}' holds no object.").format(name=name))
        return document

    def _json(self, name: str) -> Any:
        if name not in self.files.names:
            raise ContentUnreadableError(_("'{name}' is not there.").format(name=name))
        return json_read(self.files.read(name), name=name)

    def _plan(self, course_name: str | None) -> Document:
        plans = self._json(self.root + PLANS)
        if not isinstance(plans, list) or not all(isinstance(p, dict) for p in plans) or not plans:
            raise ContentUnreadableError(
                _("'{plans}' holds no list of courses.").format(plans=PLANS)
            )
        names = [str(plan.get("courseName", "")) for plan in plans]
        if course_name is None and len(plans) == 1:
            return dict(plans[0])
        if course_name not in names:
            raise ContentUnreadableError(
                _("The pool holds {count} courses ({names}); name one of them.").format(
                    count=len(names), names=", ".join(names)
                )
            )
        return dict(plans[names.index(course_name)])

    def _lessons(self, plan: Document) -> dict[str, Document]:
        lessons: dict[str, Document] = {}
        for at, lesson in enumerate(plan.get("lessons") or []):
            key = str(lesson.get("id", ""))
            if not id_from(key) or key in lessons:
                self.notes.append(f"{PLANS}: lesson {key!r} has no id of its own: left out.")
                continue
            name, topics = str(lesson.get("name", "")), str(lesson.get("topics", ""))
            lessons[key] = {
                "id": id_from(key),
                "title": (": ".join(filter(None, [name, topics])) or key)[:200],
                "order": (at + 1) * 10,
                "skills": [
                    skill
                    for objective in lesson.get("learningObjectives") or {}
                    if (skill := self._skill(objective, f"{PLANS}: lesson {key!r}"))
                ],
            }
        return lessons

    def _skill(self, name: object, where: str) -> str | None:
        text = str(name).strip()
        key = id_from(text)
        if not key:
            self.notes.append(f"{where}: the skill name {text!r} is empty: left out.")
            return None
        if key not in self.skill_titles:
            if key != text:
                self.notes.append(f"{where}: the skill {text!r} got the id {key!r}.")
            title = " ".join(text.replace("_", " ").split())
            self.skill_titles[key] = (title[:1].upper() + title[1:])[:200]
        return key

    def _lesson_skills_fill(self, lesson: Document, problems: list[Document]) -> None:
        """A lesson without objectives teaches what its problems practise."""
        if not lesson["skills"]:
            lesson["skills"] = list(
                dict.fromkeys(
                    skill
                    for problem in problems
                    if problem["lesson"] == lesson["id"]
                    for step in problem["steps"]
                    for skill in step["skills"]
                )
            )

    def _is_useful(self, lesson: Document, problems: list[Document]) -> bool:
        if not lesson["skills"]:
            self.notes.append(f"{PLANS}: lesson {lesson['id']!r} has no skill: left out.")
        return bool(lesson["skills"])

    def _problems(
        self,
        course_name: str,
        lessons: Mapping[str, Document],
        skill_model: Document,
        progress: Progress,
    ) -> list[Document]:
        pool = f"{self.root}content-pool/"
        files_of: dict[str, list[str]] = {}
        for name in self.files.names:
            if name.startswith(pool) and "/" in name[len(pool) :]:
                files_of.setdefault(name[len(pool) :].split("/", 1)[0], []).append(name)
        found: list[tuple[int, list[object], Document]] = []
        others = 0
        for at, (key, names) in enumerate(files_of.items()):
            if at % 20 == 0:
                progress(at / len(files_of), "converting")
            try:
                document = self._json(f"{pool}{key}/{key}.json")
                if not isinstance(document, dict):
                    raise ContentUnreadableError(_("'{key}.json' holds no object.").format(key=key))
            except ContentUnreadableError as error:
                self.notes.append(f"content-pool/{key}: problem left out: {error}")
                continue
            if course_name and document.get("courseName", course_name) != course_name:
                others += 1
                continue
            lesson = lessons.get(str(document.get("lessonId", "")))
            if lesson is None:
                shown = document.get("lesson") or document.get("lessonId")
                self.notes.append(
                    f"content-pool/{key}: problem left out: the course has no lesson {shown!r}."
                )
                continue
            converted = problem_convert(
                PoolProblem(key, document, f"{pool}{key}/", tuple(names)),
                lesson=lesson["id"],
                read=self._json,
                skills_of=lambda step: self._skills_of(step, skill_model),
                picture=self._picture,
                notes=self.notes,
            )
            if converted is not None:
                converted["attribution"] = f"{_source(document.get('oer'))}; OATutor".strip("; ")
                converted["licence"] = _licence(document.get("license"))
                found.append((lesson["order"], _natural(key), converted))
        if others:
            self.notes.append(f"content-pool: {others} problems of other courses were left out.")
        found.sort(key=lambda row: (row[0], row[1]))
        return [problem | {"order": (at + 1) * 10} for at, (_, _, problem) in enumerate(found)]

    def _skills_of(self, step: str, skill_model: Document) -> list[str]:
        names = skill_model.get(step) or []
        where = f"{SKILL_MODEL}: step {step!r}"
        keys = [key for name in names if (key := self._skill(name, where))]
        return list(dict.fromkeys(keys))

    def _picture(self, problem: PoolProblem, name: str) -> str | None:
        path = f"{problem.folder}figures/{name}"
        if path not in problem.files:
            self.notes.append(f"{problem.shown}: the figure {name!r} is not there.")
            return None
        key = id_from(f"{problem.key}-{name}")
        if key not in self.assets:
            data = self.files.read(path)
            media_type = media_type_of(data)
            if media_type is None:
                self.notes.append(f"{path}: left out: no picture that the site shows.")
                return None
            self.assets[key] = {
                "id": key,
                "media_type": media_type,
                "data": base64.b64encode(data).decode(),
            }
        return key


def _natural(key: str) -> list[object]:
    """Sort problem 2 before problem 10. Text and numbers alternate, so that they compare."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", key)]


def _source(value: object) -> str:
    """`https://… <Title>` as `Title (https://…)`."""
    text = str(value or "").strip()
    found = _SOURCE.fullmatch(text)
    return title_convert(f"{found[2]} ({found[1]})") if found else text


def _licence(value: object) -> str:
    return _source(value)[:200]
