"""The heatmap's cells as HTML and as CSV rows, both from one `Heatmap`.

Cells are joined here, not looped over in a template: 20,000 of them take a template 0.6 s.
"""

import math
from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from tutor.accounts.models import User
from tutor.common.tables import Cell
from tutor.dashboards.heatmap import Heatmap
from tutor.tracing.selectors import moment_of

COLOURS = 11


def colour_step(percent: int) -> int:
    """Return which of the eleven colours, 0 to 10, stands for a per cent value."""
    return min(max(percent, 0), 100) * (COLOURS - 1) // 100


def mean_shown(value: float) -> int | None:
    """Return a mean of per cents as it is shown, rounded down as its parts are; None of nothing."""
    return None if np.isnan(value) else math.floor(value + 1e-9)


def percent_shown(value: float) -> int | None:
    """Return a per cent value as it is shown, halves rounded up; None where there is nothing."""
    return None if np.isnan(value) else math.floor(value + 0.5)


def cell_value(heatmap: Heatmap, row: int, column: int) -> int | None:
    """Return the number in a cell: none where the learner has not answered once."""
    return int(heatmap.percent[row, column]) if heatmap.n[row, column] else None


class CellWords:
    """What cells say on hover and focus; days are put in words once each."""

    def __init__(self) -> None:
        self._days: dict[int, str] = {}
        self._words: dict[date, str] = {}
        self._zone = ZoneInfo(settings.TIME_ZONE)
        self.none = escape(_("no answer yet"))
        self._answers = escape(_("answers"))
        self._few = escape(_("not enough evidence"))

    def last(self, days: float) -> str:
        """Return a moment as a day of the school's calendar."""
        # A quarter of an hour, the finest offset of time zones, never straddles midnight.
        quarter = int(days * 96)
        found = self._days.get(quarter)
        if found is None:
            day = datetime.fromtimestamp(quarter * 900.0, tz=self._zone).date()
            if day not in self._words:
                self._words[day] = date_format(day, "j M Y")
            found = self._days[quarter] = self._words[day]
        return found

    def title(self, *, correct: int, low: int, high: int, n: int, last: float, is_few: bool) -> str:
        """Return chance of a right answer, interval, n and last practised, as one line."""
        day = self.last(last)
        few = f" · {self._few}" if is_few else ""
        if low < 0:
            return f"{correct} % · {n} {self._answers} · {day}{few}"
        return f"{correct} % ({low}–{high} %) · {n} {self._answers} · {day}{few}"


def whole_percents(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return shares as whole per cent, halves rounded up; NaN as -1."""
    return np.where(np.isnan(shares), -1, np.floor(100 * shares + 0.5)).astype(np.int64)


def rows_html(heatmap: Heatmap, *, classroom_uuid: UUID, simulated: SafeString) -> SafeString:
    """Return the table's body rows: learner, mean, then a cell a column."""
    words = CellWords()
    # Plain lists: reading numpy arrays cell by cell costs more than writing the cells.
    layers = [
        layer.tolist()
        for layer in (
            heatmap.percent,
            whole_percents(heatmap.correct),
            whole_percents(heatmap.low),
            whole_percents(heatmap.high),
            heatmap.n,
            heatmap.last_at_days,
            heatmap.is_few,
        )
    ]
    parts: list[str] = []
    for row, learner in enumerate(heatmap.learners):
        href = reverse("teach:learner", args=[classroom_uuid, learner.uuid])
        tag = f" {simulated}" if learner.is_simulated else ""
        mean = mean_shown(float(heatmap.mean[row]))
        parts += [
            f'<tr><th scope="row"><a href="{href}">{escape(str(learner))}</a>{tag}</th>',
            f'<td class="heat-mean">{"" if mean is None else mean}',
            f" <small>{heatmap.known[row]}/{heatmap.n_skills}</small></td>",
            *_cells(words, *(layer[row] for layer in layers)),
            "</tr>",
        ]
    return mark_safe("".join(parts))  # noqa: S308 - names are escaped, the rest is our own


def _cells(
    words: CellWords,
    percents: list[int],
    corrects: list[int],
    lows: list[int],
    highs: list[int],
    counts: list[int],
    lasts: list[float],
    fews: list[bool],
) -> Iterator[str]:
    for percent, correct, low, high, n, last, is_few in zip(
        percents, corrects, lows, highs, counts, lasts, fews, strict=True
    ):
        if not n:
            yield f'<td class="none" title="{words.none}"></td>'
            continue
        title = words.title(correct=correct, low=low, high=high, n=n, last=last, is_few=is_few)
        step = colour_step(percent)
        if is_few:
            yield f'<td class="cell-{step} few" title="{title}"><b>{percent}</b></td>'
        else:
            yield f'<td class="cell-{step}" title="{title}">{percent}</td>'


def heads_html(heatmap: Heatmap) -> SafeString:
    """Return the head cells of skills and folded lessons."""
    cells = []
    for column in heatmap.columns:
        title = escape(column.title)
        kind = ' class="heat-lesson"' if column.is_lesson else ""
        cells.append(f'<th scope="col"{kind} title="{title}"><span>{title}</span></th>')
    return mark_safe("".join(cells))  # noqa: S308 - titles are escaped


def class_row_html(heatmap: Heatmap) -> SafeString:
    """Return the cells of the class's means, each with the number of learners behind it."""
    words = escape(_("mean over the learners with enough evidence; n says how many"))
    cells = []
    for value, known in zip(heatmap.class_percent, heatmap.class_known, strict=True):
        mean = mean_shown(float(value))
        shown = "" if mean is None else mean
        cells.append(f'<td title="{words}">{shown}<small>n {known}</small></td>')
    return mark_safe("".join(cells))  # noqa: S308 - numbers and our own words


def table_header(heatmap: Heatmap) -> list[str]:
    """Return the CSV's header: what the page's columns are headed."""
    return [
        _("Learner"),
        _("Simulated"),
        _("Mean"),
        _("Skills with enough evidence"),
        *(column.title for column in heatmap.columns),
    ]


def table_rows(heatmap: Heatmap) -> Iterator[list[Cell]]:
    """Return the CSV's rows: the page's numbers in the page's order."""
    for row, learner in enumerate(heatmap.learners):
        yield [
            str(learner),
            _simulated(learner),
            mean_shown(float(heatmap.mean[row])),
            int(heatmap.known[row]),
            *(cell_value(heatmap, row, column) for column in range(len(heatmap.columns))),
        ]


def detail_header() -> list[str]:
    """Return the header of the CSV with a row a cell."""
    return [
        _("Learner"),
        _("Simulated"),
        _("Skill or lesson"),
        _("Mastery %"),
        _("Next answer right %"),
        _("Interval low %"),
        _("Interval high %"),
        _("Answers"),
        _("Last practised"),
        _("Enough evidence"),
    ]


def detail_rows(heatmap: Heatmap) -> Iterator[list[Cell]]:
    """Return a row for every cell, with what the page shows on hover."""
    for row, learner in enumerate(heatmap.learners):
        for place, column in enumerate(heatmap.columns):
            is_seen = bool(heatmap.n[row, place])
            last = moment_of(float(heatmap.last_at_days[row, place]))
            chance = [
                percent_shown(100 * float(layer[row, place])) if is_seen else None
                for layer in (heatmap.correct, heatmap.low, heatmap.high)
            ]
            yield [
                str(learner),
                _simulated(learner),
                column.title,
                cell_value(heatmap, row, place),
                *chance,
                int(heatmap.n[row, place]),
                localtime(last).date().isoformat() if last else None,
                _("no") if heatmap.is_few[row, place] else _("yes"),
            ]


def _simulated(learner: User) -> str:
    return _("yes") if learner.is_simulated else _("no")
