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
from tutor.dashboards.words import Said
from tutor.scheduling.models import OverrideSays
from tutor.scheduling.statuses import PolicyConfig
from tutor.tracing.selectors import moment_of

COLOURS = 11
# A framed cell: from here on a skill is taken up as mastered, where answers are enough.
FRAME_FROM = math.floor(100 * PolicyConfig().mastery_enter)
MARKS = {OverrideSays.KNOWS: "▲", OverrideSays.NOT_YET: "▼", OverrideSays.OPEN: "◇"}
# A folded lesson: whatever was said of its skills.
MARK_OF_LESSON = "◆"


def colour_step(percent: int) -> int:
    """Return which of the eleven colours, 0 to 10, stands for a per cent value."""
    return min(max(percent, 0), 100) * (COLOURS - 1) // 100


def percent_shown(value: float) -> int | None:
    """Return a per cent value as it is shown, halves rounded up; None where there is nothing."""
    return None if np.isnan(value) else math.floor(value + 0.5)


def cell_value(heatmap: Heatmap, row: int, column: int) -> int | None:
    """Return the number in a cell: none where the learner has not answered once."""
    if not heatmap.n[row, column]:
        return None
    return percent_shown(100 * float(heatmap.correct[row, column]))


class CellWords:
    """What cells say on hover and focus; days are put in words once each."""

    def __init__(self) -> None:
        self._days: dict[int, str] = {}
        self._words: dict[date, str] = {}
        self._zone = ZoneInfo(settings.TIME_ZONE)
        self.none = escape(_("no answer yet"))
        self._answer = escape(_("answer"))
        self._answers = escape(_("answers"))
        self._few = escape(_("not enough evidence"))
        self._mastered = escape(_("mastered"))

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

    def title(self, *, mastery: int, low: int, high: int, n: int, last: float, is_few: bool) -> str:
        """Return interval, chance of mastery, n and last practised, as one line."""
        few = f" · {self._few}" if is_few else ""
        interval = "" if low < 0 else f"{low}–{high} % · "
        answers = self._answer if n == 1 else self._answers
        rest = f"{self._mastered} {mastery} % · {n} {answers} · {self.last(last)}"
        return f"{interval}{rest}{few}"


def mark_of(said: tuple[Said, ...], *, is_lesson: bool) -> tuple[str, str]:
    """Return the mark of a cell of which teachers said something, and what it stands for."""
    words = said_words(said, with_skill=is_lesson)
    return (MARK_OF_LESSON if is_lesson else MARKS[OverrideSays(said[0].says)]), words


def said_words(said: tuple[Said, ...], *, with_skill: bool) -> str:
    """Return what teachers said, in the order given."""
    return "; ".join(
        (f"{one.skill.title}: " if with_skill else "") + str(OverrideSays(one.says).label)
        for one in said
    )


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
            whole_percents(heatmap.correct),
            heatmap.mastery,
            whole_percents(heatmap.low),
            whole_percents(heatmap.high),
            heatmap.n,
            heatmap.last_at_days,
            heatmap.is_few,
        )
    ]
    marks: dict[int, dict[int, tuple[str, str]]] = {}
    for (row, column), said in heatmap.said.items():
        is_lesson = heatmap.columns[column].is_lesson
        marks.setdefault(row, {})[column] = mark_of(said, is_lesson=is_lesson)
    parts: list[str] = []
    for row, learner in enumerate(heatmap.learners):
        href = reverse("teach:learner", args=[classroom_uuid, learner.uuid])
        tag = f" {simulated}" if learner.is_simulated else ""
        mean = percent_shown(float(heatmap.mean[row]))
        cells = list(_cells(words, *(layer[row] for layer in layers)))
        for column, mark in marks.get(row, {}).items():
            cells[column] = _marked(cells[column], *mark)
        parts += [
            f'<tr><th scope="row"><a href="{href}">{escape(str(learner))}</a>{tag}</th>',
            f'<td class="heat-mean">{"" if mean is None else mean}',
            f" <small>{heatmap.known[row]}/{heatmap.n_skills}</small></td>",
            *cells,
            "</tr>",
        ]
    return mark_safe("".join(parts))  # noqa: S308 - names are escaped, the rest is our own


def _cells(
    words: CellWords,
    corrects: list[int],
    masteries: list[int],
    lows: list[int],
    highs: list[int],
    counts: list[int],
    lasts: list[float],
    fews: list[bool],
) -> Iterator[str]:
    for correct, mastery, low, high, n, last, is_few in zip(
        corrects, masteries, lows, highs, counts, lasts, fews, strict=True
    ):
        if not n:
            yield f'<td class="none" title="{words.none}"></td>'
            continue
        title = words.title(mastery=mastery, low=low, high=high, n=n, last=last, is_few=is_few)
        step = colour_step(mastery)
        if is_few:
            yield f'<td class="cell-{step} few" title="{title}"><b>{correct}</b></td>'
        elif mastery >= FRAME_FROM:
            yield f'<td class="cell-{step} framed" title="{title}">{correct}</td>'
        else:
            yield f'<td class="cell-{step}" title="{title}">{correct}</td>'


def _marked(cell: str, mark: str, words: str) -> str:
    """Return a cell with a teacher's word: a mark to see, and the words to hear and to hover."""
    said = escape(_("teacher’s word: {words}").format(words=words))
    cell = cell.replace('" title="', f' said" title="{said} · ', 1)
    return cell.replace(
        "</td>",
        f'<span class="said-mark" aria-hidden="true">{mark}</span>'
        f'<span class="visually-hidden"> {said}</span></td>',
    )


def heads_html(heatmap: Heatmap) -> SafeString:
    """Return the head cells of skills and folded lessons."""
    cells = []
    for column in heatmap.columns:
        title = escape(column.title)
        kind = f' data-skill="{column.skill.uuid}"' if column.skill else ' class="heat-lesson"'
        cells.append(f'<th scope="col"{kind} title="{title}"><span>{title}</span></th>')
    return mark_safe("".join(cells))  # noqa: S308 - titles are escaped


def class_row_html(heatmap: Heatmap) -> SafeString:
    """Return the cells of the class's means, each with the number of learners behind it."""
    words = escape(_("mean over the learners with enough evidence; n says how many"))
    cells = []
    for value, known in zip(heatmap.class_percent, heatmap.class_known, strict=True):
        mean = percent_shown(float(value))
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
        _("Teachers’ words"),
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
            said_words(
                tuple(
                    word
                    for (at, _column), said in heatmap.said.items()
                    if at == row
                    for word in said
                ),
                with_skill=True,
            ),
        ]


def detail_header() -> list[str]:
    """Return the header of the CSV with a row a cell."""
    return [
        _("Learner"),
        _("Simulated"),
        _("Skill or lesson"),
        _("Next answer right %"),
        _("Interval low %"),
        _("Interval high %"),
        _("Mastery %"),
        _("Answers"),
        _("Last practised"),
        _("Enough evidence"),
        _("Teacher’s word"),
    ]


def detail_rows(heatmap: Heatmap) -> Iterator[list[Cell]]:
    """Return a row for every cell, with what the page shows on hover."""
    for row, learner in enumerate(heatmap.learners):
        for place, column in enumerate(heatmap.columns):
            is_seen = bool(heatmap.n[row, place])
            last = moment_of(float(heatmap.last_at_days[row, place]))
            interval = [
                percent_shown(100 * float(layer[row, place])) if is_seen else None
                for layer in (heatmap.low, heatmap.high)
            ]
            said = heatmap.said.get((row, place), ())
            yield [
                str(learner),
                _simulated(learner),
                column.title,
                cell_value(heatmap, row, place),
                *interval,
                int(heatmap.mastery[row, place]) if is_seen else None,
                int(heatmap.n[row, place]),
                localtime(last).date().isoformat() if last else None,
                _("no") if heatmap.is_few[row, place] else _("yes"),
                said_words(said, with_skill=column.is_lesson),
            ]


def _simulated(learner: User) -> str:
    return _("yes") if learner.is_simulated else _("no")
