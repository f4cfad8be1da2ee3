"""Responses as plain arrays: the one form in which models read data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kt_models.arrays_checks import COLUMNS, VOCABULARIES, check_arrays, check_lengths
from kt_models.arrays_io import read_npz, write_npz
from kt_models.errors import DataError

TimeUnit: TypeAlias = Literal["days", "seconds", "index"]
IntArray: TypeAlias = NDArray[np.int32]
SkillColumn: TypeAlias = (
    "Sequence[Sequence[str]] | NDArray[np.str_] | tuple[NDArray[np.int64], NDArray[np.str_]]"
)

FORMAT_VERSION = 1
MMAP_FROM_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Vocabularies:
    """The ids behind the codes: position i holds the id of code i."""

    learners: NDArray[np.str_]
    items: NDArray[np.str_]
    skills: NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class ResponseArrays:
    """Validated, read-only responses; one row is one response.

    Rows are grouped by learner in ascending code, times do not decrease within a learner, and
    rows of equal time keep their original order. Multi-skill responses are in CSR form: the skills
    of row i are skill_index[skill_indptr[i]:skill_indptr[i + 1]], at least one, no repeats.

    Shapes: learner, item, correct, time (n,); skill_indptr (n + 1,); skill_index (nnz,).
    item is -1 where no item is known; correct is 0 or 1; time is in time_unit.

    Raises: DataError, with row and value.
    """

    learner: NDArray[np.int32]
    item: NDArray[np.int32]
    correct: NDArray[np.int8]
    time: NDArray[np.float64]
    skill_indptr: NDArray[np.int64]
    skill_index: NDArray[np.int32]
    learners: NDArray[np.str_]
    items: NDArray[np.str_]
    skills: NDArray[np.str_]
    time_unit: TimeUnit

    def __post_init__(self) -> None:
        check_arrays(self)
        for name in COLUMNS + VOCABULARIES:
            view = getattr(self, name).view()
            view.setflags(write=False)
            object.__setattr__(self, name, view)

    @classmethod
    def from_columns(
        cls,
        learner: ArrayLike,
        item: ArrayLike | None,
        skills: SkillColumn,
        correct: ArrayLike,
        time: ArrayLike,
        *,
        time_unit: TimeUnit,
        vocabularies: Vocabularies | None = None,
        sort: bool = False,
    ) -> "ResponseArrays":
        """Build arrays from columns of ids.

        skills is one sequence of ids a row, or a flat array of ids (one skill a row), or a CSR
        pair (indptr (n + 1,), ids (nnz,)). An empty item id, or item=None, means not known.
        Without vocabularies, learners are coded by first appearance, items and skills in sorted
        order; with them, an unknown learner or skill is refused and an unknown item becomes -1.
        Rows must already be in order unless sort is true (stable by learner, then time).

        Raises: DataError.
        """
        learner_ids = np.asarray(learner, dtype=np.str_)
        n = len(learner_ids)
        indptr, skill_ids = _skill_csr(skills)
        item_ids = np.full(n, "", dtype="U1") if item is None else np.asarray(item, dtype=np.str_)
        known = vocabularies
        if known is None:
            item_vocabulary = np.unique(item_ids)
            known = Vocabularies(
                learners=_by_first_appearance(learner_ids),
                items=item_vocabulary[item_vocabulary != ""],
                skills=np.unique(skill_ids),
            )
        data: dict[str, NDArray[Any]] = {
            "learner": lookup(known.learners, learner_ids),
            "item": lookup(known.items, item_ids),
            "correct": _as_binary(correct),
            "time": np.asarray(time, dtype=np.float64),
            "skill_indptr": indptr,
            "skill_index": lookup(known.skills, skill_ids),
        }
        _refuse_unknown(data["learner"], learner_ids, "learner")
        if (data["skill_index"] < 0).any():
            at = int(np.argmax(data["skill_index"] < 0))
            row = int(np.searchsorted(indptr, at, side="right")) - 1
            raise DataError(f"row {row}: skill '{skill_ids[at]}' is not in the vocabulary")
        if sort:
            check_lengths(data, n)
            order = np.lexsort((data["time"], data["learner"]))
            data = _take(data, order)
        return cls(
            **cast(Any, data),
            learners=known.learners,
            items=known.items,
            skills=known.skills,
            time_unit=time_unit,
        )

    @property
    def n_responses(self) -> int:
        """Return the number of rows."""
        return len(self.learner)

    @property
    def n_learners(self) -> int:
        """Return how many learners have a response; len(data.learners) counts the vocabulary."""
        return int(np.count_nonzero(np.diff(self.learner_slices())))

    @property
    def n_skills(self) -> int:
        """Return the size of the skill vocabulary."""
        return len(self.skills)

    @property
    def vocabularies(self) -> Vocabularies:
        """Return the three vocabularies."""
        return Vocabularies(learners=self.learners, items=self.items, skills=self.skills)

    def learner_slices(self) -> NDArray[np.int64]:
        """Return indptr (len(learners) + 1,): rows of code c are indptr[c]:indptr[c + 1]."""
        return np.searchsorted(self.learner, np.arange(len(self.learners) + 1)).astype(np.int64)

    def skills_of(self, row: int) -> tuple[str, ...]:
        """Return the skill ids of one row."""
        codes = self.skill_index[self.skill_indptr[row] : self.skill_indptr[row + 1]]
        return tuple(str(skill) for skill in self.skills[codes])

    def item_of(self, row: int) -> str | None:
        """Return the item id of one row, None where it is not known."""
        code = int(self.item[row])
        return None if code < 0 else str(self.items[code])

    def take(self, rows: NDArray[np.integer[Any]] | NDArray[np.bool_]) -> "ResponseArrays":
        """Return the given rows (indexes or a mask) in that order, with the same vocabularies.

        Raises: DataError when the result would be out of order.
        """
        picked = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows.astype(np.int64)
        columns = _take({name: getattr(self, name) for name in COLUMNS}, picked)
        return self._with(columns)

    def take_learners(self, codes: ArrayLike) -> "ResponseArrays":
        """Return all rows of the learners with these codes, with the same vocabularies."""
        wanted = np.zeros(len(self.learners), dtype=np.bool_)
        wanted[np.asarray(codes, dtype=np.int64)] = True
        return self.take(wanted[self.learner])

    def with_vocabulary(self, other: "ResponseArrays | Vocabularies") -> "Recoded":
        """Recode items and skills to another's vocabularies; learners keep their own codes.

        An unknown item becomes -1. An unknown skill is dropped from its response, and a response
        that has no skill left is dropped: counts are returned beside the data (unknown items are
        counted on the rows that are kept).
        """
        item_codes = lookup(other.items, self.items)
        skill_codes = lookup(other.skills, self.skills)
        skill_index = skill_codes[self.skill_index]
        kept = skill_index >= 0
        counts = np.add.reduceat(kept, self.skill_indptr[:-1]) if len(self.learner) else kept[:0]
        rows = np.flatnonzero(counts > 0)
        item = np.append(item_codes, np.int32(-1))[self.item]
        data = self._with(
            {
                "learner": self.learner[rows],
                "item": item[rows],
                "correct": self.correct[rows],
                "time": self.time[rows],
                "skill_indptr": _indptr(counts[rows]),
                "skill_index": skill_index[kept],
            },
            Vocabularies(learners=self.learners, items=other.items, skills=other.skills),
        )
        return Recoded(
            data=data,
            rows=rows,
            n_unknown_items=int(np.count_nonzero(((item < 0) & (self.item >= 0))[rows])),
            n_dropped_skills=int(len(kept) - np.count_nonzero(kept)),
            n_dropped_responses=int(self.n_responses - len(rows)),
        )

    def merged(self) -> "Merged":
        """Make one row of rows that are one response: equal learner, time and known item.

        The merged row has all their skills and counts as correct only when each of them is. Logs
        that repeat a multi-skill response once a skill would otherwise give the answer away.
        """
        response = _response_numbers(self)
        if response is None:
            return Merged(data=self, response=np.arange(self.n_responses))
        n = int(response.max()) + 1
        first = np.full(n, self.n_responses, dtype=np.int64)
        np.minimum.at(first, response, np.arange(self.n_responses))
        correct = np.ones(n, dtype=np.int8)
        np.minimum.at(correct, response, self.correct)
        entry_response = np.repeat(response, np.diff(self.skill_indptr))
        pairs = np.unique(entry_response * max(self.n_skills, 1) + self.skill_index)
        owner, skill = np.divmod(pairs, max(self.n_skills, 1))
        data = self._with(
            {
                "learner": self.learner[first],
                "item": self.item[first],
                "correct": correct,
                "time": self.time[first],
                "skill_indptr": _indptr(np.bincount(owner, minlength=n)),
                "skill_index": skill.astype(np.int32),
            }
        )
        return Merged(data=data, response=response)

    def save_npz(self, path: Path) -> None:
        """Write one uncompressed .npz whose members load() can map into memory."""
        members = {name: getattr(self, name) for name in COLUMNS + VOCABULARIES}
        members["format_version"] = np.asarray(FORMAT_VERSION)
        members["time_unit"] = np.asarray(self.time_unit)
        write_npz(path, members)

    @classmethod
    def load(cls, path: Path, *, mmap: bool | None = None) -> "ResponseArrays":
        """Read what save_npz wrote; mmap=None maps files of 64 MiB or more into memory.

        Raises: DataError when the file is no such archive or of a newer format.
        """
        is_mapped = path.stat().st_size >= MMAP_FROM_BYTES if mmap is None else mmap
        members = read_npz(path, is_mapped=is_mapped)
        try:
            version, unit = int(members["format_version"]), str(members["time_unit"])
            if version > FORMAT_VERSION:
                raise DataError(f"{path} has format {version}; this code reads {FORMAT_VERSION}")
            columns = {name: members[name] for name in COLUMNS + VOCABULARIES}
        except (KeyError, ValueError) as error:
            raise DataError(f"{path} is not an archive of responses: {error}") from error
        return cls(**cast(Any, columns), time_unit=cast(TimeUnit, unit))

    def _with(
        self, columns: Mapping[str, NDArray[Any]], vocabularies: Vocabularies | None = None
    ) -> "ResponseArrays":
        known = vocabularies or self.vocabularies
        return ResponseArrays(
            **cast(Any, columns),
            learners=known.learners,
            items=known.items,
            skills=known.skills,
            time_unit=self.time_unit,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Recoded:
    """Data in another's vocabularies: rows (m,) are the row numbers that were kept."""

    data: ResponseArrays
    rows: NDArray[np.int64]
    n_unknown_items: int
    n_dropped_skills: int
    n_dropped_responses: int


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """One row a response: response (n,) gives the merged row of each original row."""

    data: ResponseArrays
    response: NDArray[np.int64]


def lookup(vocabulary: NDArray[np.str_], values: NDArray[np.str_]) -> NDArray[np.int32]:
    """Return the code of each value in a vocabulary in any order, -1 where it is unknown."""
    if len(vocabulary) == 0 or len(values) == 0:
        return np.full(len(values), -1, dtype=np.int32)
    order = np.argsort(vocabulary, kind="stable")
    ranked = vocabulary[order]
    at = np.minimum(np.searchsorted(ranked, values), len(ranked) - 1)
    return np.where(ranked[at] == values, order[at], -1).astype(np.int32)


def _by_first_appearance(values: NDArray[np.str_]) -> NDArray[np.str_]:
    ids, first = np.unique(values, return_index=True)
    return ids[np.argsort(first)]


def _indptr(counts: NDArray[Any]) -> NDArray[np.int64]:
    indptr = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=indptr[1:])
    return indptr


def _skill_csr(skills: SkillColumn) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    if isinstance(skills, tuple) and len(skills) == 2 and isinstance(skills[0], np.ndarray):
        pointers, ids = skills
        return np.asarray(pointers, dtype=np.int64), np.asarray(ids, dtype=np.str_)
    if isinstance(skills, np.ndarray):
        return np.arange(len(skills) + 1, dtype=np.int64), skills.astype(np.str_)
    rows = cast("Sequence[Sequence[str]]", skills)
    for row, ids_of_row in enumerate(rows):
        if isinstance(ids_of_row, str):
            raise DataError(
                f"row {row}: skills must be a sequence of ids, got the text '{ids_of_row}'"
            )
    flat = [skill for ids_of_row in rows for skill in ids_of_row]
    return _indptr(np.array([len(row) for row in rows], dtype=np.int64)), np.array(flat, np.str_)


def _as_binary(correct: ArrayLike) -> NDArray[np.int8]:
    values = np.asarray(correct)
    bad = ~np.isin(values, (0, 1))
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(f"row {row}: correct is {values[row]}, expected 0 or 1")
    return values.astype(np.int8)


def _refuse_unknown(codes: IntArray, ids: NDArray[np.str_], what: str) -> None:
    if (codes < 0).any():
        row = int(np.argmax(codes < 0))
        raise DataError(f"row {row}: {what} '{ids[row]}' is not in the vocabulary")


def _take(columns: Mapping[str, NDArray[Any]], rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Gather rows of the column arrays, CSR skills included."""
    indptr = columns["skill_indptr"]
    starts = indptr[rows]
    counts = indptr[rows + 1] - starts
    taken = {name: columns[name][rows] for name in ("learner", "item", "correct", "time")}
    new_indptr = _indptr(counts)
    entries = np.arange(new_indptr[-1]) + np.repeat(starts - new_indptr[:-1], counts)
    taken["skill_indptr"] = new_indptr
    taken["skill_index"] = columns["skill_index"][entries]
    return taken


def _response_numbers(data: ResponseArrays) -> NDArray[np.int64] | None:
    """Number the responses by first appearance; None when every row is its own response."""
    if data.n_responses < 2:
        return None
    is_tied = (data.learner[1:] == data.learner[:-1]) & (data.time[1:] == data.time[:-1])
    if not is_tied.any():
        return None
    moment = np.zeros(data.n_responses, dtype=np.int64)
    np.cumsum(~is_tied, out=moment[1:])
    # An unknown item equals no other, so such rows get a key of their own.
    own = np.where(data.item < 0, len(data.items) + np.arange(data.n_responses), data.item)
    order = np.lexsort((np.arange(data.n_responses), own, moment))
    is_new = np.ones(data.n_responses, dtype=np.bool_)
    is_new[1:] = (np.diff(moment[order]) != 0) | (np.diff(own[order]) != 0)
    if is_new.all():
        return None
    group = np.empty(data.n_responses, dtype=np.int64)
    group[order] = np.cumsum(is_new) - 1
    _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
