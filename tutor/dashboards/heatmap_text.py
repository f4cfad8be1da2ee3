"""The heatmap's cells as HTML and as CSV rows, both from one `Heatmap`.

Cells are joined here, not looped over in a template: 20,000 of them take a template 0.6 s.
"""

import math
from collections.abc import Iterator
from uuid import UUID

import numpy as np
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.tables import Cell
from tutor.dashboards.heatmap import Heatmap
from tutor.tracing.selectors import moment_of

COLOURS = 11


def colour_step(percent: int) -> int:
    """Return which of the eleven colours, 0 to 10, stands for a per cent value."""
    return min(max(percent, 0), 100) * (COLOURS - 1) // 100


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
        self._none = escape(_("no answer yet"))
        self._answers = escape(_("answers"))
        self._few = escape(_("not enough evidence"))

    def last(self, days: float) -> str:
        """Return a moment as a day of the school's calendar."""
        # A quarter of an hour, the finest offset of time zones, never straddles midnight.
        quarter = int(days * 96)
        if quarter not in self._days:
            moment = moment_of(days)
            self._days[quarter] = date_format(localtime(moment), "j M Y") if moment else ""
        return self._days[quarter]

    def title(self, heatmap: Heatmap, row: int, column: int) -> str:
        """Return chance of a right answer, interval, n and last practised, as one line."""
        n = heatmap.n[row, column]
        if not n:
            return self._none
        chance = f"{percent_shown(100 * heatmap.correct[row, column])} %"
        low = percent_shown(100 * heatmap.low[row, column])
        if low is not None:
            chance += f" ({low}–{percent_shown(100 * heatmap.high[row, column])} %)"
        text = f"{chance} · {n} {self._answers} · {self.last(heatmap.last_at_days[row, column])}"
        return f"{text} · {self._few}" if heatmap.is_few[row, column] else text


def rows_html(heatmap: Heatmap, *, classroom_uuid: UUID, simulated: SafeString) -> SafeString:
    """Return the table's body rows: learner, mean, then a cell a column."""
    words = CellWords()
    return mark_safe(  # noqa: S308 - names are escaped, all else is numbers and our own words
        "".join(
            _row_html(heatmap, row, words, classroom_uuid=classroom_uuid, simulated=simulated)
            for row in range(len(heatmap.learners))
        )
    )


def _row_html(
    heatmap: Heatmap, row: int, words: CellWords, *, classroom_uuid: UUID, simulated: SafeString
) -> str:
    learner = heatmap.learners[row]
    href = reverse("teach:learner", args=[classroom_uuid, learner.uuid])
    tag = f" {simulated}" if learner.is_simulated else ""
    mean = percent_shown(float(heatmap.mean[row]))
    cells = [
        f'<tr><th scope="row"><a href="{href}">{escape(str(learner))}</a>{tag}</th>',
        f'<td class="heat-mean">{"" if mean is None else mean}',
        f" <small>{heatmap.known[row]}/{heatmap.n_skills}</small></td>",
    ]
    for column in range(len(heatmap.columns)):
        value = cell_value(heatmap, row, column)
        title = words.title(heatmap, row, column)
        if value is None:
            cells.append(f'<td class="none" title="{title}"></td>')
        elif heatmap.is_few[row, column]:
            step = colour_step(value)
            cells.append(f'<td class="cell-{step} few" title="{title}"><b>{value}</b></td>')
        else:
            cells.append(f'<td class="cell-{colour_step(value)}" title="{title}">{value}</td>')
    cells.append("</tr>")
    return "".join(cells)


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
            percent_shown(float(heatmap.mean[row])),
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
