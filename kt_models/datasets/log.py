"""A response log on its way from a file's rows to ResponseArrays, in bounded memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, TimeUnit
from kt_models.errors import DataError

BlankSkill: TypeAlias = Literal["refuse", "drop", "unknown"]

UNKNOWN_SKILL = "unknown"
SECONDS_PER_DAY = 86_400.0
_CHUNK_ROWS = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """What a reader found: the responses, and how the file's rows map to them.

    row_response (rows,) is the response of each row of the file, -1 for a dropped row; row_learner
    (rows,) is the learner's code in `row_learners`, which also names learners of dropped rows only.
    Rows are numbered from 0 and count those that the format keeps.
    """

    name: str
    data: ResponseArrays
    row_response: NDArray[np.int64]
    row_learner: NDArray[np.int32]
    row_learners: NDArray[np.str_]
    n_blank_skill: int
    n_repeats: int
    n_conflicts: int
    n_scaffolds: int
    n_partial: int
    n_later: int = 0
    n_unscored: int = 0
    n_erased: int = 0

    def notes(self) -> tuple[str, ...]:
        """Return one sentence for everything that was not taken as it stood."""
        counted = (
            (self.n_blank_skill, "rows with a blank skill"),
            (self.n_repeats, "rows that repeat a response under another skill, merged"),
            (self.n_conflicts, "of those say another outcome, taken as incorrect"),
            (self.n_scaffolds, "scaffold rows, left out"),
            (self.n_partial, "partially correct rows, taken as incorrect"),
            (self.n_later, "rows that are no first answers, left out"),
            (self.n_unscored, "rows without an attempt or an outcome, left out"),
            (self.n_erased, "rows of learners whose accounts were erased, left out"),
        )
        return tuple(f"{self.name}: {count:,} {what}" for count, what in counted if count)


class LogBuilder:
    """Collects rows as codes, 65,536 at a time, and ends in a Log.

    Memory is about 30 bytes a row beside the ids, whatever the length of the file.
    """

    def __init__(self, name: str, *, blank_skill: BlankSkill) -> None:
        if blank_skill not in ("refuse", "drop", "unknown"):
            raise DataError(f"blank_skill is '{blank_skill}', expected refuse, drop or unknown")
        self.name = name
        self.n_rows = 0
        self.left_out: Counter[str] = Counter()
        self.n_partial = 0
        self._blank_skill = blank_skill
        self._n_blank = 0
        self._codes: tuple[dict[str, int], dict[str, int], dict[str, int]] = ({}, {}, {})
        self._rows: list[tuple[int, int, int, float, int]] = []
        self._skills: list[int] = []
        self._chunks: list[tuple[NDArray[np.void], NDArray[np.int32]]] = []

    def add(
        self, learner: str, at: float, item: str, skills: Sequence[str], is_correct: bool
    ) -> None:
        """Append one row; skills may be empty or blank, which `blank_skill` decides on."""
        learners, items, known_skills = self._codes
        known = [skill for skill in skills if skill]
        if not known:
            if self._blank_skill == "refuse":
                raise DataError(
                    f"{self.name}: row {self.n_rows} (learner '{learner}') has a blank skill; "
                    f"choose blank_skill drop or unknown"
                )
            self._n_blank += 1
            if self._blank_skill == "unknown":
                known = [UNKNOWN_SKILL]
        for skill in known:
            self._skills.append(known_skills.setdefault(skill, len(known_skills)))
        self._rows.append(
            (
                learners.setdefault(learner, len(learners)),
                items.setdefault(item, len(items)) if item else -1,
                is_correct,
                at,
                len(known),
            )
        )
        self.n_rows += 1
        if len(self._rows) == _CHUNK_ROWS:
            self._flush()

    def build(self, *, time_unit: TimeUnit, merge: bool, sort: bool) -> Log:
        """Return the Log; times given in seconds become days.

        merge makes one response of rows with equal learner, time and item. Without it every row
        is a response of its own, and since equal moments would make them one again, times become
        the running index within the learner. sort orders rows by learner and time (stable);
        without it, rows out of order are refused.

        Raises: DataError when there is no row, or rows are out of order and sort is false.
        """
        self._flush()
        rows, skills = self._joined()
        if not len(rows):
            raise DataError(f"{self.name}: no responses; expected at least one row")
        learner = rows["learner"].astype(np.int32)
        time = rows["time"] / SECONDS_PER_DAY if time_unit == "seconds" else rows["time"].copy()
        unit: TimeUnit = "days" if time_unit == "seconds" else time_unit
        order = self._order(learner, time, sort=sort)
        if not merge:
            time = _running_index(learner, order)
            unit = "index"
        kept = order[rows["n_skills"][order] > 0]
        if not len(kept):
            raise DataError(f"{self.name}: every row has a blank skill; none is left")
        item, item_ids = _sorted_vocabulary(rows["item"].astype(np.int32), self._codes[1])
        skill, skill_ids = _sorted_vocabulary(skills, self._codes[2])
        learner_ids = np.array(list(self._codes[0]), dtype=np.str_)
        group = _group_rows(learner[kept], time[kept], item[kept])
        firsts, correct, n_conflicts = _merge_correct(group, rows["correct"][kept])
        indptr, index = _merge_skills(group, kept, rows["n_skills"], skill, len(skill_ids))
        heads = kept[firsts]
        row_response = np.full(len(rows), -1, dtype=np.int64)
        row_response[kept] = group
        # Codes ascend by first appearance of a learner whose rows are kept.
        present, codes = np.unique(learner[heads], return_inverse=True)
        data = ResponseArrays(
            learner=codes.astype(np.int32),
            item=item[heads],
            correct=correct,
            time=time[heads],
            skill_indptr=indptr,
            skill_index=index,
            learners=learner_ids[present],
            items=item_ids,
            skills=skill_ids,
            time_unit=unit,
        )
        return Log(
            name=self.name,
            data=data,
            row_response=row_response,
            row_learner=learner,
            row_learners=learner_ids,
            n_blank_skill=self._n_blank,
            n_repeats=len(kept) - len(firsts),
            n_conflicts=n_conflicts,
            n_scaffolds=self.left_out["scaffold"],
            n_partial=self.n_partial,
            n_later=self.left_out["later"],
            n_unscored=self.left_out["unscored"],
            n_erased=self.left_out["erased"],
        )

    def _order(
        self, learner: NDArray[np.int32], time: NDArray[np.float64], *, sort: bool
    ) -> NDArray[np.int64]:
        if not np.isfinite(time).all():
            row = int(np.argmin(np.isfinite(time)))
            raise DataError(f"{self.name}: row {row}: time is {time[row]}, expected a number")
        if sort:
            return np.lexsort((time, learner))
        apart = np.diff(learner) < 0
        back = (np.diff(learner) == 0) & (np.diff(time) < 0)
        if apart.any() or back.any():
            row = int(np.argmax(apart | back)) + 1
            raise DataError(
                f"{self.name}: rows must be grouped by learner and sorted by time; row {row} "
                f"(learner code {learner[row]}, time {time[row]}) follows row {row - 1} (learner "
                f"code {learner[row - 1]}, time {time[row - 1]}); pass sort to have them sorted"
            )
        return np.arange(len(learner))

    def _flush(self) -> None:
        if self._rows:
            self._chunks.append(
                (np.array(self._rows, dtype=_ROW), np.array(self._skills, dtype=np.int32))
            )
            self._rows, self._skills = [], []

    def _joined(self) -> tuple[NDArray[np.void], NDArray[np.int32]]:
        if not self._chunks:
            return np.empty(0, dtype=_ROW), np.empty(0, dtype=np.int32)
        rows = np.concatenate([chunk[0] for chunk in self._chunks])
        skills = np.concatenate([chunk[1] for chunk in self._chunks])
        self._chunks = [(rows, skills)]
        return rows, skills


_ROW = np.dtype(
    [
        ("learner", np.int32),
        ("item", np.int32),
        ("correct", np.int8),
        ("time", np.float64),
        ("n_skills", np.int16),
    ]
)


def _running_index(learner: NDArray[np.int32], order: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (rows,) the position of each row within its learner, in the given order."""
    ordered = learner[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    lengths = np.diff(np.append(starts, len(ordered)))
    index = np.empty(len(order), dtype=np.float64)
    index[order] = np.arange(len(order)) - np.repeat(starts, lengths)
    return index


def _sorted_vocabulary(
    codes: NDArray[np.int32], known: dict[str, int]
) -> tuple[NDArray[np.int32], NDArray[np.str_]]:
    """Recode from first appearance to sorted ids, so that a vocabulary tells no row order."""
    ids = np.array(list(known), dtype=np.str_)
    order = np.argsort(ids)
    rank = np.full(len(ids) + 1, -1, dtype=np.int32)
    rank[order] = np.arange(len(ids), dtype=np.int32)
    return rank[codes], ids[order]


def _group_rows(
    learner: NDArray[np.int32], time: NDArray[np.float64], item: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Number the responses: rows of equal learner, time and item share one, by first row.

    A blank item equals a blank item here: two such rows at one moment could be one response, and
    taking them for two could give an answer away.
    """
    n = len(learner)
    same_moment = np.zeros(n, dtype=np.bool_)
    same_moment[1:] = (learner[1:] == learner[:-1]) & (time[1:] == time[:-1])
    moment = np.cumsum(~same_moment) - 1
    key = moment * (int(item.max(initial=0)) + 2) + (item + 1)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    group: NDArray[np.int64] = rank[inverse]
    return group


def _merge_correct(
    group: NDArray[np.int64], correct: NDArray[np.int8]
) -> tuple[NDArray[np.int64], NDArray[np.int8], int]:
    """Return each response's first row, its outcome (right only if every row is), conflicts."""
    n = int(group.max()) + 1
    firsts = np.full(n, len(group), dtype=np.int64)
    np.minimum.at(firsts, group, np.arange(len(group)))
    merged = np.ones(n, dtype=np.int8)
    np.minimum.at(merged, group, correct)
    return firsts, merged, int(np.count_nonzero(correct[firsts][group] != correct))


def _merge_skills(
    group: NDArray[np.int64],
    kept: NDArray[np.int64],
    n_skills_of_row: NDArray[np.int16],
    skill: NDArray[np.int32],
    n_skills: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the CSR skills of every response, without repeats, in ascending code."""
    counts = n_skills_of_row.astype(np.int64)
    starts = np.cumsum(counts) - counts
    of_kept = counts[kept]
    ends = np.cumsum(of_kept)
    entries = np.arange(ends[-1]) + np.repeat(starts[kept] - (ends - of_kept), of_kept)
    owner, index = np.divmod(
        np.unique(np.repeat(group, of_kept) * n_skills + skill[entries]), n_skills
    )
    indptr = np.zeros(int(group.max()) + 2, dtype=np.int64)
    np.cumsum(np.bincount(owner, minlength=int(group.max()) + 1), out=indptr[1:])
    return indptr, index.astype(np.int32)
