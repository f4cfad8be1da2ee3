"""Everything that can be wrong with a bundle, found in one pass before anything is written."""

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tutor.content.bundles import Document
from tutor.content.checks_assets import assets_check
from tutor.content.checks_problems import problem_check
from tutor.content.checks_text import text_check
from tutor.content.edges import cycles_named
from tutor.content.errors import RowError, value_shown
from tutor.content.findings import Findings, Progress, progress_ignored
from tutor.content.gaps import gaps_count, steps_filled
from tutor.content.wordings import CIRCLE, CIRCLE_WITH_KEPT, EDGE_AGAIN, ID_AGAIN, UNKNOWN

SCHEMA_PATH = Path(__file__).parent / "schema" / "bundle.json"
SECTIONS = ("skills", "prerequisites", "lessons", "problems", "assets")
KeptEdge = tuple[str, str]


@cache
def bundle_schema() -> Document:
    """Give the published JSON Schema of bundles."""
    schema: Document = json.loads(SCHEMA_PATH.read_text())
    return schema


def bundle_check(
    bundle: object,
    *,
    kept_edges: Iterable[KeptEdge] = (),
    only: Container[str] | None = None,
    pictures: frozenset[str] = frozenset(),
    progress: Progress = progress_ignored,
) -> list[RowError]:
    """List every error and warning of a bundle, errors first.

    `kept_edges` are prerequisites that the course has from elsewhere and keeps; together with the
    bundle's they must be acyclic. A part that breaks the schema is not looked into further.
    `only` names the problems to look into, where the others come from the database, whose content
    was checked when it came; `pictures` are those that the course has besides the bundle's.
    """
    findings = Findings()
    if not isinstance(bundle, dict):
        findings.error("", bundle, "an object", _("The document is not a course bundle."))
        return findings.rows()
    sound, unsound_ids = _schema_check(bundle, findings, progress, only)
    skill_ids = _ids_check(sound["skills"], "skill", findings) | unsound_ids["skills"]
    lesson_ids = _ids_check(sound["lessons"], "lesson", findings) | unsound_ids["lessons"]
    _ids_check(sound["problems"], "problem", findings)
    _ids_check(_steps(sound["problems"]), "step", findings)
    own_assets = _ids_check(sound["assets"], "asset", findings) | unsound_ids["assets"]
    asset_ids = own_assets | pictures
    assets_check(sound["assets"], findings)
    _edges_check(sound["prerequisites"], skill_ids, kept_edges, findings)
    _lessons_check(sound["lessons"], skill_ids, asset_ids, findings)
    count = len(sound["problems"])
    for at, (pointer, problem) in enumerate(sound["problems"]):
        if at % 20 == 0:
            progress(0.2 + 0.8 * at / count, "checking problems")
        if only is not None and problem["id"] not in only:
            continue
        problem_check(
            problem,
            pointer,
            skill_ids=skill_ids,
            lesson_ids=lesson_ids,
            asset_ids=asset_ids,
            findings=findings,
        )
    if not findings.has_errors:
        _coverage_check(sound, kept_edges, findings)
    progress(1.0, "checked")
    return findings.rows()


def item_faults(item: object, definition: str) -> list[RowError]:
    """List where one problem, lesson or other item breaks the schema."""
    findings = Findings()
    for fault in _validator(definition).iter_errors(item):
        _fault_tell(fault, "", findings)
    return findings.rows()


Row = tuple[str, Document]


@cache
def _validator(definition: str) -> Draft202012Validator:
    schema = bundle_schema()
    if not definition:
        # The sections are checked item by item, for progress and to keep sound items.
        properties = {
            name: {"type": "array", "maxItems": rule["maxItems"]} if name in SECTIONS else rule
            for name, rule in schema["properties"].items()
        }
        return Draft202012Validator({**schema, "properties": properties})
    return Draft202012Validator(_inlined(schema["$defs"][definition], schema["$defs"]))


def _inlined(schema: Any, definitions: Document) -> Any:
    """Put definitions where they are referred to: resolving takes half the time of checking."""
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        rest = {key: part for key, part in schema.items() if key != "$ref"}
        return _inlined(definitions[name] | rest, definitions)
    return {key: _inlined(part, definitions) for key, part in schema.items()}


def _schema_check(
    bundle: Document, findings: Findings, progress: Progress, only: Container[str] | None
) -> tuple[dict[str, list[Row]], dict[str, frozenset[str]]]:
    """Check against the schema and give each section's sound items with their pointers.

    Also gives the ids of unsound items, so that one fault is not told again by all who name it.
    """
    for fault in _validator("").iter_errors(bundle):
        _fault_tell(fault, "", findings)
    if bundle.get("skills") == []:
        findings.error("/skills", [], "at least one skill", _("The course has no skill."))
    sound: dict[str, list[Row]] = {}
    unsound_ids: dict[str, frozenset[str]] = {}
    items_by_section = {
        name: items if isinstance(items := bundle.get(name, []), list) else [] for name in SECTIONS
    }
    total = sum(len(items) for items in items_by_section.values()) or 1
    done = 0
    for section, items in items_by_section.items():
        validator = _validator(section.removesuffix("s"))
        sound[section] = []
        unsound: set[str] = set()
        for at, item in enumerate(items):
            pointer = f"/{section}/{at}"
            if section == "problems" and only is not None and item["id"] not in only:
                sound[section].append((pointer, item))
                continue
            faults = list(validator.iter_errors(item))
            for fault in faults:
                _fault_tell(fault, pointer, findings)
            if not faults:
                sound[section].append((pointer, item))
            elif isinstance(item, dict) and isinstance(item.get("id"), str):
                unsound.add(item["id"])
            done += 1
            if done % 50 == 0:
                progress(0.2 * done / total, "checking the form")
        unsound_ids[section] = frozenset(unsound)
    return sound, unsound_ids


def _fault_tell(fault: ValidationError, prefix: str, findings: Findings) -> None:
    pointer = prefix + "".join(f"/{_escaped(part)}" for part in fault.absolute_path)
    rule, wanted, value = str(fault.validator), fault.validator_value, fault.instance
    if rule == "required" and isinstance(value, dict):
        # jsonschema tells one missing key at a time, each as an error of its own.
        key = fault.message.split("'")[1]
        findings.error(
            f"{pointer}/{key}", "", "a value", _("The key '{key}' is missing.").format(key=key)
        )
        return
    if rule == "additionalProperties" and isinstance(value, dict):
        known = fault.schema.get("properties", {}) if isinstance(fault.schema, dict) else {}
        for key in value:
            if key not in known:
                findings.error(
                    f"{pointer}/{_escaped(key)}",
                    value[key],
                    f"one of the keys {', '.join(known)}",
                    _("The key '{key}' is not known here.").format(key=key),
                )
        return
    expected = _expectation(rule, wanted)
    message = _("{value!r} does not fit; expected {expected}.").format(
        value=value_shown(value), expected=expected
    )
    findings.error(pointer, value, expected, message)


def _expectation(rule: str, wanted: Any) -> str:
    names = {"object": "an object", "array": "a list", "string": "a text", "integer": "a whole"}
    match rule:
        case "type":
            kinds = wanted if isinstance(wanted, list) else [wanted]
            shown = [names.get(kind, f"a {kind}") for kind in kinds]
            return " or ".join(shown).replace("a whole", "a whole number")
        case "enum":
            return "one of " + ", ".join(map(str, wanted))
        case "const":
            return f"{wanted!r}"
        case "pattern" if wanted.startswith("^[A-Za-z0-9][A-Za-z0-9._:-]"):
            return "an id of letters, digits and . _ : - (at most 120, first a letter or digit)"
        case "pattern":
            return f"a text of the form {wanted}"
        case "maxLength":
            return f"at most {wanted} characters"
        case "minLength":
            return "a text that is not empty"
        case "minItems":
            return f"at least {wanted} entry"
        case "maxItems" | "maxProperties":
            return f"at most {wanted} entries"
        case "uniqueItems":
            return "no entry twice"
        case "minimum":
            return f"{wanted} or more"
        case "maximum":
            return f"{wanted} or less"
        case "exclusiveMinimum":
            return f"more than {wanted}"
        case _:
            return f"{rule} {wanted}"


def _escaped(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _steps(problems: Sequence[Row]) -> Iterator[Row]:
    for pointer, problem in problems:
        for at, step in enumerate(problem["steps"]):
            yield f"{pointer}/steps/{at}", step


def _ids_check(rows: Iterable[Row], kind: str, findings: Findings) -> frozenset[str]:
    first: dict[str, str] = {}
    for pointer, item in rows:
        earlier = first.setdefault(item["id"], pointer)
        if earlier != pointer:
            findings.error(
                f"{pointer}/id",
                item["id"],
                f"an id that no other {kind} has",
                ID_AGAIN[kind].format(id=item["id"], earlier=earlier),
            )
    return frozenset(first)


def _edges_check(
    rows: Sequence[Row], skill_ids: frozenset[str], kept: Iterable[KeptEdge], findings: Findings
) -> None:
    seen: dict[tuple[str, str, str], str] = {}
    needed: dict[KeptEdge, str] = {}
    for pointer, edge in rows:
        source, target = edge["from"], edge["to"]
        kind = edge.get("kind", "prerequisite")
        is_known = True
        for end in ("from", "to"):
            if edge[end] not in skill_ids:
                is_known = False
                _skill_unknown(f"{pointer}/{end}", edge[end], findings)
        if source == target:
            message = _("The skill '{source}' is an edge's both ends.").format(source=source)
            findings.error(f"{pointer}/to", target, "a skill other than 'from'", message)
            continue
        earlier = seen.setdefault((source, target, kind), pointer)
        if earlier != pointer:
            message = EDGE_AGAIN[kind].format(source=source, target=target, earlier=earlier)
            findings.error(pointer, f"{source} -> {target}", "each edge once", message)
        elif kind == "prerequisite" and is_known:
            needed[source, target] = pointer
    merged = [*needed, *(edge for edge in kept if set(edge) <= skill_ids and edge not in needed)]
    for cycle in cycles_named(merged):
        path = " -> ".join(cycle)
        steps = list(pairwise(cycle))
        own = [needed[step] for step in steps if step in needed]
        said = CIRCLE if len(own) == len(steps) else CIRCLE_WITH_KEPT
        findings.error(
            own[0] if own else "/prerequisites",
            path,
            "prerequisites without a cycle",
            said.format(path=path),
        )


def _skill_unknown(pointer: str, value: object, findings: Findings) -> None:
    findings.error(
        pointer,
        value,
        "the id of a skill of this bundle",
        UNKNOWN["skill"].format(id=value),
    )


def _lessons_check(
    rows: Sequence[Row], skill_ids: frozenset[str], asset_ids: frozenset[str], findings: Findings
) -> None:
    for pointer, lesson in rows:
        for at, skill in enumerate(lesson["skills"]):
            if skill not in skill_ids:
                _skill_unknown(f"{pointer}/skills/{at}", skill, findings)
        text_check(lesson.get("body", ""), f"{pointer}/body", asset_ids, findings)
        for number, example in enumerate(lesson.get("worked_examples", [])):
            below = f"{pointer}/worked_examples/{number}"
            text_check(example.get("body", ""), f"{below}/body", asset_ids, findings)
            for at, text in enumerate(example.get("steps", [])):
                text_check(text, f"{below}/steps/{at}", asset_ids, findings)
            _gaps_check(example, below, asset_ids, findings)


def _gaps_check(
    example: Mapping[str, Any], below: str, asset_ids: frozenset[str], findings: Findings
) -> None:
    text_check(example.get("closing", ""), f"{below}/closing", asset_ids, findings)
    gaps = example.get("gaps", [])
    if not gaps:
        return
    steps = example.get("steps", [])
    boxes = gaps_count(steps)
    if boxes != len(gaps):
        findings.error(
            f"{below}/gaps",
            len(gaps),
            f"as many as the steps have boxes: {boxes}",
            _("The steps have {boxes} boxes (\\square), but there are {gaps} gaps.").format(
                boxes=boxes, gaps=len(gaps)
            ),
        )
        return
    for at, text in enumerate(steps_filled(steps, gaps)):
        text_check(text, f"{below}/steps/{at}", asset_ids, findings)


def _coverage_check(
    sound: Mapping[str, Sequence[Row]], kept: Iterable[KeptEdge], findings: Findings
) -> None:
    """Warn of skills that nothing leads to or practises; told only for a bundle that goes in."""
    linked = {end for edge in kept for end in edge}
    for _pointer, edge in sound["prerequisites"]:
        linked |= {edge["from"], edge["to"]}
    practised = {skill for _pointer, step in _steps(sound["problems"]) for skill in step["skills"]}
    skills = sound["skills"]
    if not linked and len(skills) > 1:
        findings.warning(
            "/prerequisites",
            "",
            "edges between skills",
            _(
                "None of the {count} skills has a prerequisite; a graph can be imported later."
            ).format(count=len(skills)),
        )
    for pointer, skill in skills:
        name = skill["id"]
        if linked and name not in linked:
            message = _("The skill '{name}' stands alone: no edge leads to or from it.").format(
                name=name
            )
            findings.warning(pointer, name, "an edge to or from it", message)
        if name not in practised:
            message = _(
                "The skill '{name}' has no step, so it can be neither practised nor traced."
            ).format(name=name)
            findings.warning(pointer, name, "a step that practises it", message)
