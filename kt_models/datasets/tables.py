"""Formats with one row a response: which columns each needs and what a row says.

Sources of the column names: the ASSISTments data pages (2009-2010 skill builder, 2012-2013
predictions, 2015 skill builders, 2017 competition) and the DataShop and KDD Cup 2010 export pages.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypeAlias

from kt_models.arrays import TimeUnit
from kt_models.errors import DataError

Values: TypeAlias = Sequence[str]
Kind: TypeAlias = Literal["response", "partial", "scaffold"]


class Row(NamedTuple):
    """One row of a log, as text became values; a tuple, since millions are made."""

    learner: str
    at: float
    item: str
    skills: tuple[str, ...]
    is_correct: bool
    kind: Kind = "response"


RowParser: TypeAlias = Callable[[Values], Row]


@dataclass(frozen=True, slots=True)
class TableFormat:
    """A delimited format; `parser` is told where the columns are and returns a row parser."""

    name: str
    required: tuple[str, ...]
    parser: Callable[[Mapping[str, int], str | None], RowParser]
    time_unit: TimeUnit | None
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    is_sorted: bool = False


def _correct(text: str) -> tuple[bool, Kind]:
    """Read 0, 1 or a share in between: first answers that were partly right are not right."""
    if text == "1" or text == "0":
        return text == "1", "response"
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"correct is '{text}', expected 0 to 1")
    return value == 1.0, "response" if value in (0.0, 1.0) else "partial"


def _moment_days(text: str) -> float:
    """Return days since the Unix epoch of `2005-09-09 12:24:35.0`; such logs state no zone."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"the time is '{text}', expected one such as 2005-09-09 12:24:35"
        ) from None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() / 86_400.0


def _moment_number(text: str) -> float:
    """Return a time that is a number already."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(
            f"timestamp is '{text}', expected a number: epoch seconds, epoch days or order indexes"
        ) from None


def _normalised(columns: Mapping[str, int], _: str | None) -> RowParser:
    learner, at, item, skill, correct = (columns[name] for name in NORMALISED.required)

    def parse(values: Values) -> Row:
        answer = values[correct]
        if answer not in ("0", "1"):
            raise ValueError(f"correct is '{answer}', expected 0 or 1")
        return Row(
            values[learner],
            _moment_number(values[at]),
            values[item],
            (values[skill],),
            answer == "1",
        )

    return parse


def _assistments_2009(columns: Mapping[str, int], _: str | None) -> RowParser:
    learner, order, item = columns["user_id"], columns["order_id"], columns["problem_id"]
    skill, correct = columns["skill_id"], columns["correct"]
    original = columns.get("original")

    def parse(values: Values) -> Row:
        is_correct, kind = _correct(values[correct])
        if original is not None and values[original] == "0":
            kind = "scaffold"
        # The corrected file joins several skills of a problem with an underscore.
        skills = tuple(part for part in values[skill].split("_") if part and part != "NA")
        return Row(values[learner], float(values[order]), values[item], skills, is_correct, kind)

    return parse


def _assistments_2012(columns: Mapping[str, int], _: str | None) -> RowParser:
    learner, start, item = columns["user_id"], columns["start_time"], columns["problem_id"]
    skill, correct = columns["skill_id"], columns["correct"]
    original = columns.get("original")

    def parse(values: Values) -> Row:
        is_correct, kind = _correct(values[correct])
        if original is not None and values[original] == "0":
            kind = "scaffold"
        at = _moment_days(values[start])
        # Ids were written by way of floating point there: 31.0 is skill 31.
        skills = (values[skill].removesuffix(".0"),)
        return Row(values[learner], at, values[item], skills, is_correct, kind)

    return parse


def _assistments_2015(columns: Mapping[str, int], _: str | None) -> RowParser:
    learner, order = columns["user_id"], columns["log_id"]
    skill, correct = columns["sequence_id"], columns["correct"]

    def parse(values: Values) -> Row:
        is_correct, kind = _correct(values[correct])
        return Row(values[learner], float(values[order]), "", (values[skill],), is_correct, kind)

    return parse


def _assistments_2017(columns: Mapping[str, int], _: str | None) -> RowParser:
    learner, start, item = columns["studentId"], columns["startTime"], columns["problemId"]
    skill, correct = columns["skill"], columns["correct"]
    original = columns.get("original")

    def parse(values: Values) -> Row:
        is_correct, kind = _correct(values[correct])
        if original is not None and values[original] == "0":
            kind = "scaffold"
        named = "" if values[skill] == "noskill" else values[skill]
        at = float(values[start]) / 86_400.0
        return Row(values[learner], at, values[item], (named,), is_correct, kind)

    return parse


def _kc_column(columns: Mapping[str, int], chosen: str | None) -> int:
    """Return the column of the knowledge components, `KC (name)` or `KC(name)`."""
    found = [name for name in columns if name.replace(" ", "").startswith("KC(")]
    if chosen is not None:
        matching = [name for name in found if chosen in (name, name.split("(", 1)[1].rstrip(")"))]
        if not matching:
            raise DataError(f"there is no KC column '{chosen}'; the file has {found}")
        return columns[matching[0]]
    if len(found) != 1:
        raise DataError(f"choose one KC column with kc_column; the file has {found}")
    return columns[found[0]]


def _datashop(columns: Mapping[str, int], chosen: str | None) -> RowParser:
    learner, problem = columns["Anon Student Id"], columns["Problem Name"]
    step, skill = columns["Step Name"], _kc_column(columns, chosen)
    starts = [
        columns[name] for name in ("Step Start Time", "First Transaction Time") if name in columns
    ]
    first_attempt = columns.get("Correct First Attempt", columns.get("First Attempt", -1))
    if not starts or first_attempt < 0:
        raise DataError(
            "a step export needs 'Step Start Time' or 'First Transaction Time', and 'Correct "
            f"First Attempt' or 'First Attempt'; the file has {list(columns)}"
        )
    outcomes = {"1": True, "0": False, "correct": True, "incorrect": False, "hint": False}

    def parse(values: Values) -> Row:
        text = next((values[column] for column in starts if values[column]), "")
        outcome = outcomes.get(values[first_attempt].strip().lower())
        if outcome is None:
            raise ValueError(
                f"first attempt is '{values[first_attempt]}', expected one of {list(outcomes)}"
            )
        skills = tuple(part.strip() for part in values[skill].split("~~"))
        item = f"{values[problem]}::{values[step]}"
        return Row(values[learner], _moment_days(text), item, skills, outcome)

    return parse


NORMALISED = TableFormat(
    name="normalised",
    required=("learner", "timestamp", "item", "skill", "correct"),
    parser=_normalised,
    time_unit=None,
    is_sorted=True,
)
_DATASHOP_COLUMNS = ("Anon Student Id", "Problem Name", "Step Name")
TABLE_FORMATS: tuple[TableFormat, ...] = (
    NORMALISED,
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
