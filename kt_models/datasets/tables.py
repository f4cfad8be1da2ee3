"""Formats with one row a response: which columns each needs and what a row says.

Sources of the column names: the ASSISTments data pages (2009-2010 skill builder, 2012-2013
predictions, 2015 skill builders, 2017 competition) and the DataShop (student-step rollup and
transactions) and KDD Cup 2010 export pages. `stepwise` is what a Stepwise site exports.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypeAlias

from kt_models.arrays import TimeUnit
from kt_models.errors import DataError

Values: TypeAlias = Sequence[str]
# What is not a first answer of a known learner is left out and counted.
Kind: TypeAlias = Literal["response", "partial", "scaffold", "later", "unscored", "erased"]


class Row(NamedTuple):
    """One row of a log, as text became values; a tuple, since millions are made."""

    learner: str
    at: float
    item: str
    skills: tuple[str, ...]
    is_correct: bool
    kind: Kind = "response"


RowParser: TypeAlias = Callable[[Values], Row]


class CellError(ValueError):
    """A cell that says what its column cannot hold."""

    def __init__(self, column: str, value: str, expected: str) -> None:
        self.column = column
        self.value = value
        self.expected = expected
        super().__init__(f"{column} is '{value[:80]}', expected {expected}")


class Columns(dict[str, int]):
    """Where each column of a header is; of several with one name, the first."""

    def __init__(self, header: Sequence[str]) -> None:
        self.header = tuple(header)
        super().__init__((name, at) for at, name in reversed(list(enumerate(self.header))))

    def all_of(self, name: str) -> tuple[int, ...]:
        """Return where every column of a name is."""
        return tuple(at for at, known in enumerate(self.header) if known == name)


@dataclass(frozen=True, slots=True)
class TableFormat:
    """A delimited format; `parser` is told where the columns are and returns a row parser."""

    name: str
    required: tuple[str, ...]
    parser: Callable[[Columns, str | None], RowParser]
    time_unit: TimeUnit | None
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    is_sorted: bool = False


def _correct(text: str) -> tuple[bool, Kind]:
    """Read 0, 1 or a share in between: first answers that were partly right are not right."""
    if text == "1" or text == "0":
        return text == "1", "response"
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise CellError("correct", text, "0 to 1")
    return value == 1.0, "response" if value in (0.0, 1.0) else "partial"


_SECONDS_PER_DAY = 86_400.0


def _moment_days(column: str, text: str) -> float:
    """Return days since the Unix epoch of `2005-09-09 12:24:35.0`; no zone means UTC.

    Only with the year first: of 03/04/2024 nobody can say which day it is.
    """
    try:
        moment = datetime.fromisoformat(text.strip().replace("/", "-"))
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() / _SECONDS_PER_DAY
    except (ValueError, OverflowError):
        raise CellError(
            column, text, "a time with the year first, such as 2005-09-09 12:24:35"
        ) from None


class _Times:
    """Reads a column of numbers, or of dates (as epoch seconds): as the first row has it, all."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._are_dates: bool | None = None

    def read(self, text: str) -> float:
        if self._are_dates is None:
            self._are_dates = not _is_number(text)
        if self._are_dates:
            return _moment_days(self._column, text) * _SECONDS_PER_DAY
        return _number(self._column, text, "epoch seconds, epoch days or an order index")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(column: str, text: str, expected: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CellError(column, text, f"a number: {expected}")
    return number


def _normalised(columns: Columns, _: str | None) -> RowParser:
    learner, at, item, skill, correct = (columns[name] for name in NORMALISED.required)
    times = _Times("timestamp")

    def parse(values: Values) -> Row:
        is_correct = _yes_no("correct", values[correct])
        when = times.read(values[at])
        return Row(values[learner], when, values[item], (values[skill],), is_correct)

    return parse


def _yes_no(column: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise CellError(column, text, "0 or 1")
    return text == "1"


def _stepwise(columns: Columns, _: str | None) -> RowParser:
    learner, at, item, skills, correct, first = (columns[name] for name in STEPWISE.required)

    def parse(values: Values) -> Row:
        is_correct = _yes_no("is_correct", values[correct])
        kind: Kind = "response" if _yes_no("is_observation", values[first]) else "later"
        if not values[learner]:
            kind = "erased"
        when = _moment_days("answered_at", values[at])
        known = tuple(values[skills].split())
        return Row(values[learner], when, values[item], known, is_correct, kind)

    return parse


def _assistments_2009(columns: Columns, _: str | None) -> RowParser:
    learner, order, item = columns["user_id"], columns["order_id"], columns["problem_id"]
    skill, correct = columns["skill_id"], columns["correct"]
    original = columns.get("original")

    def parse(values: Values) -> Row:
        is_correct, kind = _correct(values[correct])
        if original is not None and values[original] == "0":
            kind = "scaffold"
        # The corrected file joins several skills of a problem with an underscore.
        skills = tuple(part for part in values[skill].split("_") if part and part != "NA")
        return Row(
            values[learner],
            _number("order_id", values[order], "an order"),
            values[item],
            skills,
            is_correct,
            kind,
        )

    return parse


def _assistments_2012(columns: Columns, _: str | None) -> RowParser:
    learner, start, item = columns["user_id"], columns["start_time"], columns["problem_id"]
    skill, correct = columns["skill_id"], columns["correct"]
    original = columns.get("original")

    def parse(values: Values) -> Row:
        is_correct, kind = _correct(values[correct])
        if original is not None and values[original] == "0":
            kind = "scaffold"
        at = _moment_days("start_time", values[start])
        # Ids were written by way of floating point there: 31.0 is skill 31.
        skills = (values[skill].removesuffix(".0"),)
        return Row(values[learner], at, values[item], skills, is_correct, kind)

    return parse


def _assistments_2015(columns: Columns, _: str | None) -> RowParser:
    learner, order = columns["user_id"], columns["log_id"]
    skill, correct = columns["sequence_id"], columns["correct"]

    def parse(values: Values) -> Row:
        is_correct, kind = _correct(values[correct])
        return Row(
            values[learner],
            _number("log_id", values[order], "an order"),
            "",
            (values[skill],),
            is_correct,
            kind,
        )

    return parse


def _assistments_2017(columns: Columns, _: str | None) -> RowParser:
    learner, start, item = columns["studentId"], columns["startTime"], columns["problemId"]
    skill, correct = columns["skill"], columns["correct"]
    original = columns.get("original")

    def parse(values: Values) -> Row:
        is_correct, kind = _correct(values[correct])
        if original is not None and values[original] == "0":
            kind = "scaffold"
        named = "" if values[skill] == "noskill" else values[skill]
        at = _number("startTime", values[start], "epoch seconds") / _SECONDS_PER_DAY
        return Row(values[learner], at, values[item], (named,), is_correct, kind)

    return parse


def _kc_columns(columns: Columns, chosen: str | None) -> tuple[int, ...]:
    """Return where the knowledge components are: `KC (name)` or `KC(name)`, once or repeated."""
    found = [name for name in columns if name.replace(" ", "").startswith("KC(")]
    if chosen is not None:
        matching = [name for name in found if chosen in (name, name.split("(", 1)[1].rstrip(")"))]
        if not matching:
            raise DataError(f"there is no KC column '{chosen}'; the file has {found}")
        return columns.all_of(matching[0])
    if len(found) != 1:
        raise DataError(f"choose one KC column with kc_column; the file has {found}")
    return columns.all_of(found[0])


def _kc_names(values: Values, columns: tuple[int, ...]) -> tuple[str, ...]:
    """Return a row's skills: `~~` within a cell, or a cell each."""
    cells = [values[at] for at in columns if at < len(values)]
    return tuple(part.strip() for cell in cells for part in cell.split("~~") if part.strip())


def _datashop(columns: Columns, chosen: str | None) -> RowParser:
    learner, problem = columns["Anon Student Id"], columns["Problem Name"]
    step, skill = columns["Step Name"], _kc_columns(columns, chosen)
    starts = [name for name in ("Step Start Time", "First Transaction Time") if name in columns]
    first = next(
        (name for name in ("Correct First Attempt", "First Attempt") if name in columns), ""
    )
    if not starts or not first:
        raise DataError(
            "a step export needs 'Step Start Time' or 'First Transaction Time', and 'Correct "
            f"First Attempt' or 'First Attempt'; the file has {list(columns)}"
        )
    outcomes = {"1": True, "0": False, "correct": True, "incorrect": False, "hint": False}

    def parse(values: Values) -> Row:
        text = next((values[columns[name]] for name in starts if values[columns[name]]), "")
        outcome = outcomes.get(values[columns[first]].strip().lower())
        if outcome is None:
            raise CellError(first, values[columns[first]], f"one of {', '.join(outcomes)}")
        item = f"{values[problem]}::{values[step]}"
        skills = _kc_names(values, skill)
        return Row(values[learner], _moment_days(starts[0], text), item, skills, outcome)

    return parse


# In any letters; no outcome at all is a transaction that nobody judged.
_OUTCOMES = {
    **dict.fromkeys(("correct", "ok"), True),
    **dict.fromkeys(("incorrect", "error", "bug", "hint", "initial_hint"), False),
}


def _datashop_transactions(columns: Columns, chosen: str | None) -> RowParser:
    learner, at, problem, step, attempt, outcome = (
        columns[name] for name in DATASHOP_TRANSACTIONS.required
    )
    skill = _kc_columns(columns, chosen)

    def parse(values: Values) -> Row:
        said = values[outcome].strip().lower()
        tried = values[attempt].strip()
        kind: Kind = "response"
        if not said or not tried:
            kind = "unscored"
        elif said not in _OUTCOMES:
            raise CellError("Outcome", values[outcome], f"one of {', '.join(_OUTCOMES)}")
        elif not tried.isdigit():
            raise CellError("Attempt At Step", tried, "a whole number from 1")
        elif int(tried) != 1:
            kind = "later"
        item = f"{values[problem]}::{values[step]}"
        is_correct = _OUTCOMES.get(said, False)
        when = _moment_days("Time", values[at])
        return Row(values[learner], when, item, _kc_names(values, skill), is_correct, kind)

    return parse


STEPWISE = TableFormat(
    name="stepwise",
    required=("learner", "answered_at", "step", "skills", "is_correct", "is_observation"),
    parser=_stepwise,
    time_unit="days",
)
NORMALISED = TableFormat(
    name="normalised",
    required=("learner", "timestamp", "item", "skill", "correct"),
    parser=_normalised,
    time_unit=None,
    is_sorted=True,
)
_DATASHOP_COLUMNS = ("Anon Student Id", "Problem Name", "Step Name")
DATASHOP_TRANSACTIONS = TableFormat(
    name="datashop_transactions",
    required=(
        *("Anon Student Id", "Time", "Problem Name", "Step Name", "Attempt At Step", "Outcome"),
    ),
    parser=_datashop_transactions,
    time_unit="days",
    delimiter="\t",
)
TABLE_FORMATS: tuple[TableFormat, ...] = (
    NORMALISED,
    STEPWISE,
    DATASHOP_TRANSACTIONS,
    TableFormat(
        name="assistments2017",
        required=("studentId", "startTime", "problemId", "skill", "correct"),
        parser=_assistments_2017,
        time_unit="days",
    ),
    TableFormat(
        name="assistments2012",
        required=("user_id", "start_time", "problem_id", "skill_id", "correct"),
        parser=_assistments_2012,
        time_unit="days",
        encoding="latin-1",
    ),
    TableFormat(
        name="assistments2009",
        required=("user_id", "order_id", "problem_id", "skill_id", "correct"),
        parser=_assistments_2009,
        time_unit="index",
        encoding="latin-1",
    ),
    TableFormat(
        name="assistments2015",
        required=("user_id", "log_id", "sequence_id", "correct"),
        parser=_assistments_2015,
        time_unit="index",
    ),
    TableFormat(
        name="datashop",
        required=_DATASHOP_COLUMNS,
        parser=_datashop,
        time_unit="days",
        delimiter="\t",
    ),
)
