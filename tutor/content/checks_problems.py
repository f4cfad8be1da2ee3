"""Checks of one problem: references, hints, templates over several draws, answers, texts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from tutor.content.bundles import Document
from tutor.content.checks_text import text_check
from tutor.content.edges import cycles_named
from tutor.content.findings import Findings
from tutor.content.wordings import TWICE_IN_STEP, UNKNOWN
from tutor.grading.answers import answer_read, answer_validate
from tutor.grading.errors import GradingError, TemplateError
from tutor.grading.specs import Unreadable, posted
from tutor.grading.variants import document_render, template_render, variant_draw

SEEDS_TRIED = range(5)
PICKED_KINDS = frozenset({"choice", "multiple_choice", "ordering", "matching"})


def problem_check(
    problem: Document,
    pointer: str,
    *,
    skill_ids: frozenset[str],
    lesson_ids: frozenset[str],
    asset_ids: frozenset[str],
    findings: Findings,
) -> None:
    """Add every finding of one problem that fits the schema."""
    if problem["lesson"] not in lesson_ids:
        message = UNKNOWN["lesson"].format(id=problem["lesson"])
        expected = "the id of a lesson of this bundle"
        findings.error(f"{pointer}/lesson", problem["lesson"], expected, message)
    for at, step in enumerate(problem["steps"]):
        step_pointer = f"{pointer}/steps/{at}"
        for number, skill in enumerate(step["skills"]):
            if skill not in skill_ids:
                message = UNKNOWN["skill"].format(id=skill)
                expected = "the id of a skill of this bundle"
                findings.error(f"{step_pointer}/skills/{number}", skill, expected, message)
        _twice_check(step.get("choices", []), f"{step_pointer}/choices", "choice", findings)
        _hints_check(step.get("hints", []), f"{step_pointer}/hints", findings)
    _variants_check(problem, pointer, asset_ids, findings)


def _twice_check(
    items: Sequence[Mapping[str, Any]], pointer: str, kind: str, findings: Findings
) -> None:
    seen: set[str] = set()
    for at, item in enumerate(items):
        if item["id"] in seen:
            message = TWICE_IN_STEP[kind].format(id=item["id"])
            findings.error(f"{pointer}/{at}/id", item["id"], "each id once", message)
        seen.add(item["id"])


def _hints_check(hints: Sequence[Mapping[str, Any]], pointer: str, findings: Findings) -> None:
    _twice_check(hints, pointer, "hint", findings)
    ids = {hint["id"] for hint in hints}
    needed: list[tuple[str, str]] = []
    for at, hint in enumerate(hints):
        below = f"{pointer}/{at}"
        named = [
            (f"{below}/depends_on/{n}", key) for n, key in enumerate(hint.get("depends_on", []))
        ]
        if "parent" in hint:
            named.append((f"{below}/parent", hint["parent"]))
        for where, key in named:
            if key in ids:
                needed.append((key, hint["id"]))
            else:
                message = _("The hint '{hint}' depends on '{key}', which this step lacks.").format(
                    hint=hint["id"], key=key
                )
                findings.error(where, key, "the id of a hint of this step", message)
        is_scaffold = hint.get("kind", "hint") == "scaffold"
        if is_scaffold and "answer" not in hint:
            message = _("The scaffold '{hint}' asks back but has no answer.").format(
                hint=hint["id"]
            )
            findings.error(f"{below}/answer", "", "an answer", message)
        if not is_scaffold and "answer" in hint:
            message = _("The hint '{hint}' has an answer, but only a scaffold asks back.").format(
                hint=hint["id"]
            )
            findings.error(f"{below}/answer", hint["answer"], "no answer", message)
        _twice_check(hint.get("choices", []), f"{below}/choices", "choice", findings)
    for cycle in cycles_named(needed):
        path = " -> ".join(cycle)
        message = _("The hints wait for each other in a circle: {path}.").format(path=path)
        findings.error(pointer, path, "hints without a circle", message)


def _variants_check(
    problem: Document, pointer: str, asset_ids: frozenset[str], findings: Findings
) -> None:
    """Draw the problem and check each variant; the first variant with a fault tells it."""
    is_templated = bool(problem.get("variables"))
    for seed in SEEDS_TRIED if is_templated else range(1):
        try:
            drawn = document_render(problem, seed)
        except TemplateError as error:
            where, value = _template_fault(problem, pointer, seed)
            findings.error(where, value, "templates that can be filled in", f"{error}.")
            return
        note = _drawn_note(problem, seed) if is_templated else ""
        if not _drawn_check(drawn, pointer, note, asset_ids, findings, is_first=seed == 0):
            return


def _template_fault(problem: Document, pointer: str, seed: int) -> tuple[str, object]:
    try:
        values = variant_draw(
            problem.get("variables", {}), problem.get("constraints", []), seed=seed
        )
    except TemplateError:
        return f"{pointer}/variables", problem.get("variables", {})
    for where, text in _texts(problem, pointer):
        try:
            template_render(text, values)
        except TemplateError:
            return where, text
    return pointer, problem["id"]


def _texts(node: object, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield pointer, node
    elif isinstance(node, list):
        for at, child in enumerate(node):
            yield from _texts(child, f"{pointer}/{at}")
    elif isinstance(node, dict):
        for key, child in node.items():
            yield from _texts(child, f"{pointer}/{key}")


def _drawn_note(problem: Document, seed: int) -> str:
    values = variant_draw(problem["variables"], problem.get("constraints", []), seed=seed)
    shown = ", ".join(f"{name} = {_plain(value)}" for name, value in values.items())
    return _(" (with {values})").format(values=shown)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else str(getattr(value, "value", value))


def _drawn_check(
    drawn: Document,
    pointer: str,
    note: str,
    asset_ids: frozenset[str],
    findings: Findings,
    *,
    is_first: bool,
) -> bool:
    """Check one variant; return whether all its answers can be graded with."""
    is_sound = True
    if is_first:
        text_check(drawn.get("body", ""), f"{pointer}/body", asset_ids, findings)
    for at, step in enumerate(drawn["steps"]):
        below = f"{pointer}/steps/{at}"
        is_sound &= _answer_check(step, below, note, findings)
        is_sound &= _feedback_check(step, below, note, findings)
        for number, hint in enumerate(step.get("hints", [])):
            if "answer" in hint:
                is_sound &= _answer_check(hint, f"{below}/hints/{number}", note, findings)
        if is_first:
            _step_texts_check(step, below, asset_ids, findings)
    return is_sound


def _answer_check(asked: Document, pointer: str, note: str, findings: Findings) -> bool:
    choices = asked.get("choices", [])
    problems = answer_validate(asked["answer"], choices=choices)
    for problem in problems:
        where = f"{pointer}/answer{problem.pointer}"
        message = _("The answer cannot be graded with{note}: expected {expected}.").format(
            note=note, expected=problem.expected
        )
        findings.error(where, problem.value, problem.expected, message)
    if asked["answer"]["kind"] in PICKED_KINDS:
        texts = [choice["text"].strip() for choice in choices]
        for at, text in enumerate(texts):
            if text in texts[:at]:
                message = _("Two choices read alike{note}.").format(note=note)
                findings.warning(f"{pointer}/choices/{at}/text", text, "another text", message)
    return not problems


def _feedback_check(step: Document, pointer: str, note: str, findings: Findings) -> bool:
    is_sound = True
    for at, entry in enumerate(step.get("feedback", [])):
        try:
            reading = answer_read(
                step["answer"], posted(entry["answer"]), choices=step.get("choices", [])
            )
        except GradingError:
            return True  # told already as a fault of the step's own answer
        if isinstance(reading, Unreadable):
            is_sound = False
            findings.warning(
                f"{pointer}/feedback/{at}/answer",
                entry["answer"],
                "an answer that the step's kind can read",
                _("Nobody will see this feedback{note}: {reason}").format(
                    note=note, reason=reading.message
                ),
            )
    return is_sound


def _step_texts_check(
    step: Document, pointer: str, asset_ids: frozenset[str], findings: Findings
) -> None:
    for key in ("prompt", "solution"):
        text_check(step.get(key, ""), f"{pointer}/{key}", asset_ids, findings)
    for section in ("choices", "feedback", "hints"):
        for at, item in enumerate(step.get(section, [])):
            below = f"{pointer}/{section}/{at}"
            text_check(item["text"], f"{below}/text", asset_ids, findings)
            text_check(item.get("feedback", ""), f"{below}/feedback", asset_ids, findings)
            for number, choice in enumerate(item.get("choices", [])):
                where = f"{below}/choices/{number}/text"
                text_check(choice["text"], where, asset_ids, findings)
