"""Reading a response log for an import: every row checked, times made moments, items made steps."""

import csv
import gzip
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kt_models.datasets.log import BlankSkill, Log
from kt_models.datasets.read import TimeUnitChoice, read_log
from kt_models.datasets.tables import TABLE_FORMATS
from kt_models.errors import DataError
from tutor.common.clock import DAY_SECONDS
from tutor.common.errors import TutorError

FORMATS = ("auto", "csv", "assistments", "datashop")
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


def history_read(path: Path, *, options: HistoryOptions, now: datetime) -> History:
    """Read and check a whole log; nothing of the site is touched.

    Raises:
        TutorError: code `log_unreadable`, `no_times` (order indexes need a start) or `wrong_times`.
    """
    try:
        log = read_log(
            path,
            log_format=_format_of(path, options.log_format),
            time_unit=options.time_unit,
            blank_skill=options.blank_skill,
            kc_column=options.kc_column,
            sort=True,
        )
    except DataError as error:
        raise TutorError(str(error), code="log_unreadable") from error
    at_ms = _moments(log, options=options)
    step, step_texts = _steps(log)
    history = History(log=log, at_ms=at_ms, step=step, step_texts=step_texts)
    _times_check(history, now=now)
    return history


def _format_of(path: Path, wanted: str) -> str:
    """Return the reader's name of a format; ASSISTments has one for each year, told by header."""
    if wanted not in FORMATS:
        raise DataError(f"format is '{wanted}', expected one of {', '.join(FORMATS)}")
    if wanted != "assistments":
        return "normalised" if wanted == "csv" else wanted
    header = _header(path)
    years = [known for known in TABLE_FORMATS if known.name.startswith(wanted)]
    for known in years:
        if header.issuperset(known.required):
            return known.name
    raise DataError(
        f"{path}: the header {', '.join(sorted(header))[:200]} is that of none of "
        f"{', '.join(known.name for known in years)}"
    )


def _header(path: Path) -> frozenset[str]:
    if not path.is_file():
        raise DataError(f"{path} is not a file; expected a response log")
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
    opened = gzip.open if is_gzip else open
    with opened(path, "rt", encoding="utf-8-sig", errors="replace") as text:
        return frozenset(next(csv.reader([text.readline()]), []))


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
