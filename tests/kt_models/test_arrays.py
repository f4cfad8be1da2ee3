"""ResponseArrays: what they accept, refuse, keep and give back."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kt_models.arrays import ResponseArrays, Vocabularies, lookup
from kt_models.errors import DataError

Row = tuple[str, str, list[str], int, float]

ROWS: list[Row] = [
    ("zoe", "i2", ["add"], 1, 0.0),
    ("zoe", "i1", ["mul", "add"], 0, 1.5),
    ("ada", "", ["add"], 1, 0.5),
    ("ada", "i1", ["div"], 1, 0.5),
]


def arrays_of(rows: list[Row], **options: Any) -> ResponseArrays:
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * 5
    learner, item, skills, correct, time = columns
    return ResponseArrays.from_columns(
        learner, item, skills, correct, time, time_unit="days", **options
    )


def rows_of(data: ResponseArrays) -> list[Row]:
    return [
        (
            str(data.learners[data.learner[row]]),
            data.item_of(row) or "",
            list(data.skills_of(row)),
            int(data.correct[row]),
            float(data.time[row]),
        )
        for row in range(data.n_responses)
    ]


row_strategy = st.tuples(
    st.sampled_from(["u", "v", "w"]),
    st.sampled_from(["", "i", "j", "k"]),
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True),
    st.integers(0, 1),
    st.floats(0, 10).map(lambda x: round(x, 1)),
)
rows_strategy = st.lists(row_strategy, min_size=1, max_size=25)


def test_columns_come_back_as_they_went_in() -> None:
    data = arrays_of(ROWS)
    assert rows_of(data) == ROWS
    assert (data.n_responses, data.n_learners, data.n_skills) == (4, 2, 3)
    assert data.learners.tolist() == ["zoe", "ada"]
    assert data.item.tolist() == [1, 0, -1, 0]


def test_flat_and_csr_skills_mean_the_same_as_lists() -> None:
    options: Any = {"correct": [1, 0], "time": [0, 1], "time_unit": "days"}
    lists = ResponseArrays.from_columns(["x", "x"], None, [["a"], ["b"]], **options)
    flat = ResponseArrays.from_columns(["x", "x"], None, np.array(["a", "b"]), **options)
    pointers = (np.array([0, 1, 2]), np.array(["a", "b"]))
    csr = ResponseArrays.from_columns(["x", "x"], None, pointers, **options)
    assert rows_of(lists) == rows_of(flat) == rows_of(csr)


def test_every_array_is_read_only() -> None:
    data = arrays_of(ROWS)
    for name in ("learner", "item", "correct", "time", "skill_indptr", "skill_index", "skills"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(data, name)[0] = getattr(data, name)[0]


@given(rows_strategy)
def test_sorting_groups_learners_orders_times_and_keeps_ties_in_order(rows: list[Row]) -> None:
    data = arrays_of(rows, sort=True)
    order = list(dict.fromkeys(row[0] for row in rows))
    expected = sorted(rows, key=lambda row: (order.index(row[0]), row[4]))
    assert rows_of(data) == expected


@given(rows_strategy, st.data())
def test_taking_rows_keeps_them_whole(rows: list[Row], data: st.DataObject) -> None:
    arrays = arrays_of(rows, sort=True)
    mask = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    taken = arrays.take(np.array(mask))
    assert rows_of(taken) == [row for row, kept in zip(rows_of(arrays), mask, strict=True) if kept]
    assert taken.skills is not None
    assert taken.n_learners == len({row[0] for row in rows_of(taken)})


@given(rows_strategy)
def test_learner_slices_cut_the_rows_into_learners(rows: list[Row]) -> None:
    arrays = arrays_of(rows, sort=True)
    slices = arrays.learner_slices()
    assert slices[0] == 0
    assert slices[-1] == arrays.n_responses
    for code in range(len(arrays.learners)):
        assert (arrays.learner[slices[code] : slices[code + 1]] == code).all()
        assert rows_of(arrays.take_learners([code])) == rows_of(
            arrays.take(np.arange(slices[code], slices[code + 1]))
        )


@given(rows_strategy)
def test_save_and_load_keep_every_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    arrays = arrays_of(rows, sort=True)
    path = tmp_path_factory.mktemp("npz") / "log.npz"
    arrays.save_npz(path)
    for mmap in (False, True):
        loaded = ResponseArrays.load(path, mmap=mmap)
        assert rows_of(loaded) == rows_of(arrays)
        assert loaded.time_unit == "days"
        assert loaded.time.tobytes() == arrays.time.tobytes()


def test_a_mapped_log_is_aligned_and_not_read_into_memory(tmp_path: Path) -> None:
    arrays = arrays_of(ROWS)
    arrays.save_npz(tmp_path / "log.npz")
    mapped = ResponseArrays.load(tmp_path / "log.npz", mmap=True)
    for name in ("learner", "time", "skill_index"):
        column = getattr(mapped, name)
        assert isinstance(column, np.memmap)
        assert column.flags.aligned


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 half"])
def test_a_file_that_is_no_log_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"log\.npz"):
        ResponseArrays.load(path)


def test_an_archive_without_the_columns_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(DataError, match=r"other\.npz"):
        ResponseArrays.load(tmp_path / "other.npz")


def _rows_with(change: dict[int, Any]) -> list[Row]:
    row = list(ROWS[1])
    for column, value in change.items():
        row[column] = value
    return [ROWS[0], tuple(row), *ROWS[2:]]  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (_rows_with({4: -1.0}), r"row 1 of learner 'zoe' is at -1.0, after row 0 at 0.0"),
        (_rows_with({4: float("nan")}), "row 1: time is nan"),
        (_rows_with({3: 2}), "row 1: correct is 2"),
        (_rows_with({2: []}), "row 1 has 0 skills"),
        (_rows_with({2: ["add", "add"]}), "row 1 names skill 'add' twice"),
        (_rows_with({2: "add"}), "row 1: skills must be a sequence of ids"),
        ([*ROWS, ROWS[0]], r"row 4 \(learner 0\) follows row 3 \(learner 1\)"),
    ],
)
def test_bad_rows_are_named_with_their_value(rows: list[Row], message: str) -> None:
    with pytest.raises(DataError, match=message):
        arrays_of(rows)


def test_columns_of_different_lengths_are_refused() -> None:
    for wrong in ("item", "correct", "time", "skills"):
        columns: dict[str, Any] = {
            "learner": ["x", "x"], "item": ["i", "j"], "skills": [["a"], ["b"]],
            "correct": [1, 0], "time": [0, 1],
        }  # fmt: skip
        columns[wrong] = columns[wrong][:1]
        for sort in (False, True):
            with pytest.raises(DataError, match=wrong):
                ResponseArrays.from_columns(**columns, time_unit="days", sort=sort)


def test_codes_out_of_range_and_wrong_types_are_refused() -> None:
    data = arrays_of(ROWS)
    with pytest.raises(DataError, match=r"item\[0\] is 9"):
        replace(data, item=np.array([9, 0, 0, 0], dtype=np.int32))
    with pytest.raises(DataError, match="time is int64"):
        replace(data, time=np.arange(4))
    with pytest.raises(DataError, match="time_unit is 'weeks'"):
        replace(data, time_unit="weeks")  # type: ignore[arg-type]


def test_given_vocabularies_are_kept_and_strange_ids_refused() -> None:
    known = Vocabularies(
        learners=np.array(["ada", "zoe"]), items=np.array(["i1"]), skills=np.array(["add", "mul"])
    )
    data = arrays_of(ROWS[:2], vocabularies=known)
    assert data.learner.tolist() == [1, 1]
    assert data.item.tolist() == [-1, 0]
    with pytest.raises(DataError, match="row 1: skill 'div'"):
        arrays_of([ROWS[2], ROWS[3]], vocabularies=known)
    stranger = ("bob", "i1", ["add"], 1, 0.0)
    with pytest.raises(DataError, match="row 0: learner 'bob'"):
        arrays_of([stranger], vocabularies=known)


@given(rows_strategy)
def test_recoding_keeps_what_is_known_and_counts_what_is_not(rows: list[Row]) -> None:
    arrays = arrays_of(rows, sort=True)
    other = Vocabularies(
        learners=np.array(["q"]), items=np.array(["k", "i"]), skills=np.array(["c", "a"])
    )
    recoded = arrays.with_vocabulary(other)
    expected = [
        (who, item if item in ("k", "i") else "", [s for s in skills if s != "b"], right, time)
        for who, item, skills, right, time in rows_of(arrays)
        if skills != ["b"]
    ]
    assert rows_of(recoded.data) == expected
    assert recoded.n_dropped_responses == len(rows) - len(expected)
    assert recoded.n_dropped_skills == sum("b" in row[2] for row in rows)
    kept = [rows_of(arrays)[row] for row in recoded.rows]
    assert recoded.n_unknown_items == sum(row[1] == "j" for row in kept)


def test_rows_of_one_response_are_merged_and_others_are_not() -> None:
    data = arrays_of(
        [
            ("x", "i", ["a"], 1, 0.0),
            ("x", "j", ["a"], 1, 0.0),
            ("x", "i", ["b", "a"], 0, 0.0),
            ("x", "", ["a"], 1, 0.0),
            ("x", "", ["a"], 0, 0.0),
            ("x", "i", ["a"], 1, 1.0),
            ("y", "i", ["a"], 1, 1.0),
        ]
    )
    merged = data.merged()
    assert merged.response.tolist() == [0, 1, 0, 2, 3, 4, 5]
    assert rows_of(merged.data)[0] == ("x", "i", ["a", "b"], 0, 0.0)
    assert merged.data.n_responses == 6


@given(rows_strategy)
def test_merging_leaves_no_response_twice_and_loses_none(rows: list[Row]) -> None:
    data = arrays_of(rows, sort=True)
    merged = data.merged()
    assert len(merged.response) == data.n_responses
    seen = [(row[0], row[1], row[4]) for row in rows_of(merged.data) if row[1]]
    assert len(seen) == len(set(seen))
    for row, number in enumerate(merged.response):
        assert set(data.skills_of(row)) <= set(merged.data.skills_of(int(number)))
        assert data.time[row] == merged.data.time[number]
    again = merged.data.merged()
    assert rows_of(again.data) == rows_of(merged.data)


@given(st.lists(st.text(max_size=4)), st.lists(st.text(max_size=4), unique=True))
def test_lookup_finds_each_id_or_says_unknown(values: list[str], vocabulary: list[str]) -> None:
    # numpy drops trailing NULs from text, so ids with them cannot be told apart.
    values = [value.replace("\0", "") for value in values]
    vocabulary = list(dict.fromkeys(word.replace("\0", "") for word in vocabulary))
    codes = lookup(np.array(vocabulary, dtype=np.str_), np.array(values, dtype=np.str_))
    assert codes.tolist() == [
        vocabulary.index(value) if value in vocabulary else -1 for value in values
    ]


def test_no_rows_at_all_are_fine() -> None:
    data = arrays_of([])
    assert (data.n_responses, data.n_learners) == (0, 0)
    assert data.merged().data.n_responses == 0
    assert data.with_vocabulary(arrays_of(ROWS)).data.n_responses == 0
