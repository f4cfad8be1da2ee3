"""Learners that were sent as JSON, on their way to the import that reads tables of them."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from tutor.api.problems import FieldsRefusedError
from tutor.roster.importing import RosterPlan
from tutor.roster.sheets import Sheet, sheet_read

COLUMNS = ("name", "username", "password")
HEAD_LINES = 1


def sheet_of(learners: Sequence[Mapping[str, Any]]) -> Sheet:
    """Return learners as the table that the roster's import reads, so that one rule holds."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows([learner.get(name, "") for name in COLUMNS] for learner in learners)
    return sheet_read(out.getvalue(), file="learners")


def plan_check(plan: RosterPlan) -> None:
    """Say what keeps learners from being enrolled, by JSON pointer. Raises: FieldsRefusedError."""
    if not plan.errors:
        return
    wrong: dict[int, dict[str, list[str]]] = {}
    for error in plan.errors:
        place = max(0, error.line - HEAD_LINES - 1)
        column = error.column if error.column in COLUMNS else "name"
        words = f"'{error.value}' cannot be used; expected {error.expected}"
        wrong.setdefault(place, {}).setdefault(column, []).append(words)
    last = max(wrong)
    raise FieldsRefusedError({"learners": [wrong.get(place, {}) for place in range(last + 1)]})
