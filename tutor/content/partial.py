"""Importing what is sound: problems with errors are left out whole, and each is listed.

A problem that is left out and that the course has already stays as it stands there.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from tutor.content.bundles import Document
from tutor.content.errors import RowError, Severity, errors_of
from tutor.content.origins import Origin

_PROBLEM = re.compile(r"/problems/(\d+)(/.*|)", re.DOTALL)

Check = Callable[[Document], Iterable[RowError]]
Standing = Callable[[], Mapping[str, Document]]


@dataclass(frozen=True)
class Sound:
    """What is left of a bundle, every finding, and a note for each problem that was left out."""

    bundle: Document
    rows: tuple[RowError, ...]
    notes: tuple[str, ...]


def sound_part(bundle: Document, origin: Origin, *, check: Check, standing: Standing) -> Sound:
    """Leave out problems until the rest passes `check`; errors elsewhere stay errors.

    `check` lists the findings of a bundle. `standing` gives the course's problems by id, asked for
    only when one is left out. The rows point into `bundle` as it was given.
    """
    listed = bundle.get("problems")
    given: list[Any] = listed if isinstance(listed, list) else []
    problems = list(enumerate(given))
    told: dict[int, RowError] = {}
    kept: dict[int, bool] = {}
    skipped_rows: list[RowError] = []
    while True:
        current = bundle | {"problems": [problem for _, problem in problems]} if told else bundle
        numbers = [number for number, _ in problems]
        rows = [
            *(row for row in origin.rows if _number_of(row) not in told),
            *(_renumbered(row, numbers) for row in check(current)),
        ]
        faults: dict[int, list[RowError]] = {}
        for row in errors_of(rows):
            number = _number_of(row)
            if number is not None and number in numbers:
                faults.setdefault(number, []).append(row)
        if not faults:
            break
        for number, faults_here in faults.items():
            if number not in told:
                told[number] = faults_here[0]
                skipped_rows += faults_here
        problems = _without(problems, faults, kept, standing())
    return Sound(
        bundle=current,
        rows=(*rows, *(replace(row, severity=Severity.WARNING) for row in skipped_rows)),
        notes=tuple(
            _note(given[number], origin.place_of(f"/problems/{number}"), row, kept.get(number))
            for number, row in sorted(told.items())
        ),
    )


def _number_of(row: RowError) -> int | None:
    found = _PROBLEM.fullmatch(row.pointer)
    return int(found[1]) if found else None


def _renumbered(row: RowError, numbers: Sequence[int]) -> RowError:
    """Point into the bundle that was given instead of the one that is left."""
    found = _PROBLEM.fullmatch(row.pointer)
    if found is None or int(found[1]) >= len(numbers):
        return row
    return replace(row, pointer=f"/problems/{numbers[int(found[1])]}{found[2]}")


def _without(
    problems: Sequence[tuple[int, Any]],
    faults: Mapping[int, object],
    kept: dict[int, bool],
    standing: Mapping[str, Document],
) -> list[tuple[int, Any]]:
    """Put the course's own problem in the place of a faulty one, or nothing where that fails."""
    sound_ids = {_id(problem) for number, problem in problems if number not in faults}
    left: list[tuple[int, Any]] = []
    for number, problem in problems:
        if number not in faults:
            left.append((number, problem))
            continue
        key = _id(problem)
        stands = standing.get(key) if key not in sound_ids and number not in kept else None
        kept[number] = stands is not None
        if stands is not None:
            sound_ids.add(key)
            left.append((number, stands))
    return left


def _id(problem: Any) -> str:
    key = problem.get("id") if isinstance(problem, dict) else None
    return key if isinstance(key, str) else ""


def _note(problem: Any, place: str, row: RowError, is_kept: bool | None) -> str:
    key = _id(problem)
    said = (
        _("{place}: problem '{key}' was left out: {reason}")
        if key
        else _("{place}: a problem was left out: {reason}")
    ).format(place=place, key=key, reason=row.message)
    return f"{said} {_('The course keeps it as it was.')}" if is_kept else said
