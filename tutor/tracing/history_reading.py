"""Reading a response log for an import: every row checked, times made moments, items made steps."""

import csv
import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kt_models.datasets.faults import RowsError
from kt_models.datasets.log import BlankSkill, Log
from kt_models.datasets.read import TimeUnitChoice, read_log
from kt_models.datasets.tables import TABLE_FORMATS
from kt_models.errors import DataError
from tutor.common.clock import DAY_SECONDS
from tutor.common.errors import TutorError
from tutor.content.errors import RowError
from tutor.content.findings import Progress, progress_ignored

FORMATS = ("auto", "csv", "stepwise", "assistments", "datashop")
HEADER_MOST = 64 * 1024
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Nobody logged tutoring by the millisecond before; earlier "times" are order indexes or a wrong
# unit.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
# Stands for a response whose log names no item, by its skills.
ANY_ITEM = "any:"


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """How a log is to be read. `start` and `index_minutes` make moments of order indexes."""

    log_format: str = "auto"
    time_unit: TimeUnitChoice = "auto"
    blank_skill: BlankSkill = "refuse"
    kc_column: str | None = None
    start: datetime | None = None
    index_minutes: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """A log that passed every check which needs no course; rows by learner, then time.

    at_ms (n,) are milliseconds since the Unix epoch; step (n,) are codes in `step_texts`, the item
    ids of the log, or `any:` and the skills where it has none.
    """

    log: Log
    at_ms: NDArray[np.int64]
    step: NDArray[np.int64]
    step_texts: tuple[str, ...]

    @property
    def n_responses(self) -> int:
        """Return how many responses the log holds."""
        return len(self.at_ms)

    def row_of(self, response: int) -> int:
        """Return the number of a response's first row in the file, from 0 after the header."""
        return int(np.argmax(self.log.row_response == response))


def moment_of(at_ms: int) -> datetime:
    """Return the moment of milliseconds since the epoch."""
    return EPOCH + timedelta(milliseconds=at_ms)


class HistoryUnreadableError(TutorError):
    """A log with rows that cannot be read; `rows` lists them, each by file and line."""

    code = "log_unreadable"

    def __init__(self, message: str, rows: Sequence[RowError]) -> None:
        self.rows = tuple(rows)
        super().__init__(message)


def history_read(
    path: Path,
    *,
    options: HistoryOptions,
    now: datetime,
    name: str | None = None,
    faults_most: int = 1,
    bytes_most: int | None = None,
    progress: Progress = progress_ignored,
) -> History:
    """Read and check a whole log; nothing of the site is touched.

    `name` is what messages call the file; with `faults_most` above 1 that many rows that cannot be
    read are collected before they are told.

    Raises:
        HistoryUnreadableError: with the rows that cannot be read.
        TutorError: code `log_unreadable`, `no_times` (order indexes need a start) or `wrong_times`.
    """
    name = name or path.name
    try:
        log = read_log(
            path,
            name=name,
            log_format=_format_of(path, name, options.log_format),
            time_unit=options.time_unit,
            blank_skill=options.blank_skill,
            kc_column=options.kc_column,
            sort=True,
            faults_most=faults_most,
            bytes_most=bytes_most,
            tell=lambda share: progress(share, "reading"),
        )
    except RowsError as error:
        rows = [
            RowError(
                f"{name}:{fault.line}", fault.field, fault.value, fault.expected, fault.message
            )
            for fault in error.faults
        ]
        raise HistoryUnreadableError(str(error), rows) from error
    except DataError as error:
        raise TutorError(str(error), code="log_unreadable") from error
    at_ms = _moments(log, options=options)
    step, step_texts = _steps(log)
    history = History(log=log, at_ms=at_ms, step=step, step_texts=step_texts)
    _times_check(history, now=now)
    return history


def _format_of(path: Path, name: str, wanted: str) -> str:
    """Return the reader's name of a format; some have several kinds, told apart by the header."""
    if wanted not in FORMATS:
        raise DataError(f"format is '{wanted}', expected one of {', '.join(FORMATS)}")
    if wanted not in ("assistments", "datashop"):
        return "normalised" if wanted == "csv" else wanted
    first_line = _first_line(path, name)
    kinds = [known for known in TABLE_FORMATS if known.name.startswith(wanted)]
    for known in kinds:
        header = next(csv.reader([first_line], delimiter=known.delimiter), [])
        if set(header).issuperset(known.required):
            return known.name
    raise DataError(
        f"{name}: the header {first_line.strip()[:200]!r} is that of none of "
        f"{', '.join(known.name for known in kinds)}"
    )


def _first_line(path: Path, name: str) -> str:
    if not path.is_file():
        raise DataError(f"{name} is not a file; expected a response log")
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
    opened = gzip.open if is_gzip else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", errors="replace") as text:
            return str(text.readline(HEADER_MOST))
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{name}: cannot be read: {error}") from error


def _moments(log: Log, *, options: HistoryOptions) -> NDArray[np.int64]:
    data = log.data
    if data.time_unit != "index":
        if options.start is not None:
            raise TutorError(
                "This log has times of its own; a start is only for logs of order indexes.",
                code="wrong_times",
            )
        return np.rint(data.time * DAY_SECONDS * 1000.0).astype(np.int64)
    if options.time_unit != "index" or options.start is None:
        raise TutorError(
            "This log has order indexes and no times, so it says nothing of the gaps between "
            "answers. To import it all the same, give --time-unit index and --start DATE: each "
            "learner's answers are then set a fixed time apart from that day on.",
            code="no_times",
        )
    start_ms = (options.start - EPOCH) // timedelta(milliseconds=1)
    unit_ms = round(options.index_minutes * 60_000)
    return start_ms + unit_ms * _ranks(data.learner, data.time)


def _ranks(learner: NDArray[np.int32], time: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return (n,) the place of each response's moment among its learner's, from 0."""
    is_new_learner = np.diff(learner, prepend=-1) != 0
    is_new_moment = is_new_learner | (np.diff(time, prepend=0.0) != 0.0)
    place = np.cumsum(is_new_moment) - 1
    first = np.maximum.accumulate(np.where(is_new_learner, place, 0))
    ranks: NDArray[np.int64] = place - first
    return ranks


def _steps(log: Log) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    data = log.data
    step = data.item.astype(np.int64)
    texts = [str(item) for item in data.items]
    blank = np.flatnonzero(step < 0)
    codes: dict[tuple[int, ...], int] = {}
    for at in blank.tolist():
        skills = tuple(data.skill_index[data.skill_indptr[at] : data.skill_indptr[at + 1]].tolist())
        step[at] = codes.setdefault(skills, len(texts) + len(codes))
    texts += [ANY_ITEM + "+".join(str(data.skills[code]) for code in skills) for skills in codes]
    return step, tuple(texts)


def _times_check(history: History, *, now: datetime) -> None:
    first, last = int(np.argmin(history.at_ms)), int(np.argmax(history.at_ms))
    for response, is_wrong in (
        (first, history.at_ms[first] < _ms(EARLIEST)),
        (last, history.at_ms[last] > _ms(now)),
    ):
        if is_wrong:
            days = float(history.at_ms[response]) / 1000.0 / DAY_SECONDS
            raise TutorError(
                f"Row {history.row_of(response)} would have been answered {days:,.1f} days after "
                f"1970-01-01; expected a time from {EARLIEST:%Y-%m-%d} until now "
                f"({now:%Y-%m-%d}). Look at --time-unit (days, seconds or index) and at --start.",
                code="wrong_times",
            )


def _ms(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)
