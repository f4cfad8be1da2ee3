"""Rows that cannot be read, collected; bounds on what is read; our own export and transactions."""

import gzip
from pathlib import Path

import pytest

from kt_models.datasets.faults import ID_MOST, RowsError
from kt_models.datasets.read import read_log
from kt_models.errors import DataError

HEADER = "learner,timestamp,item,skill,correct\n"
STEPWISE = "learner,answered_at,step,skills,is_correct,is_observation,raw_answer\n"
TRANSACTIONS = (
    "Anon Student Id\tTime\tProblem Name\tStep Name\tAttempt At Step\tOutcome\tKC (x)\tKC (x)\n"
)


def written(folder: Path, text: str, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_every_row_is_collected_with_its_line_column_and_value(tmp_path: Path) -> None:
    text = HEADER + 'a,1,"two\nlines",x,1\na,soon,i,x,1\na,2,i,x,2\na,3,i\n,4,i,x,1\na,5,i,,1\n'
    with pytest.raises(RowsError) as refused:
        read_log(written(tmp_path, text), faults_most=100)
    assert [(fault.row, fault.line, fault.field) for fault in refused.value.faults] == [
        (1, 4, "timestamp"),
        (2, 5, "correct"),
        (3, 6, ""),
        (4, 7, "learner"),
        (5, 8, "skill"),
    ]
    assert refused.value.faults[0].value == "soon"
    assert refused.value.n_faults == 5
    assert "(4 more rows cannot be read)" in str(refused.value)


def test_no_more_rows_are_listed_than_asked_for_and_all_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "a,soon,i,x,1\n" * 50)
    with pytest.raises(RowsError) as refused:
        read_log(path, faults_most=3)
    # The first row says whether times are dates or numbers; all are wrong here.
    assert (len(refused.value.faults), refused.value.n_faults) == (3, 50)


@pytest.mark.parametrize("column", [0, 2, 3])
@pytest.mark.parametrize(("text", "words"), [("x" * (ID_MOST + 1), "1,000"), ("a\x00", "null")])
def test_ids_that_nobody_could_keep_are_refused(
    tmp_path: Path, column: int, text: str, words: str
) -> None:
    cells = ["a", "1", "i", "x", "1"]
    cells[column] = text
    with pytest.raises(RowsError, match=words):
        read_log(written(tmp_path, HEADER + ",".join(cells) + "\n"))


def test_what_unpacks_to_more_than_is_allowed_is_not_read_on(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "a,1,i,x,1\n" * 200_000).encode()))
    with pytest.raises(DataError, match="unpacks to more than 100,000 bytes"):
        read_log(path, sort=True, bytes_most=100_000)


def test_progress_grows_to_the_whole_file(tmp_path: Path) -> None:
    told: list[float] = []
    text = HEADER + "".join(f"a,{number},i,x,1\n" for number in range(50_000))
    read_log(written(tmp_path, text), tell=told.append)
    assert len(told) > 10
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_messages_call_the_file_by_the_name_that_is_given(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "a,soon,i,x,1\n", name="4f2a.upload")
    with pytest.raises(DataError) as refused:
        read_log(path, name="autumn.csv")
    assert str(refused.value).startswith("autumn: row 0")
    assert str(tmp_path) not in str(refused.value)


def test_our_own_export_gives_observations_of_known_learners(tmp_path: Path) -> None:
    text = STEPWISE + (
        "u1,2026-03-02T09:00:00Z,s1,a b,1,1,'=7\n"
        "u1,2026-03-02T09:01:00Z,s1,a b,0,0,8\n"
        ",2026-03-02T09:02:00Z,s1,a,1,1,7\n"
    )
    log = read_log(written(tmp_path, text))
    assert log.data.n_responses == 1
    assert list(map(str, log.data.skills)) == ["a", "b"]
    assert log.data.time_unit == "days"
    assert (log.n_later, log.n_erased) == (1, 1)


def test_first_attempts_of_transactions_count_and_a_hint_first_is_wrong(tmp_path: Path) -> None:
    text = TRANSACTIONS + (
        "s\t2005-09-09 12:24:35.0\tp\tst\t1\tHINT\ta\tb\n"
        "s\t2005-09-09 12:24:36.0\tp\tst\t2\tCORRECT\ta\tb\n"
        "s\t2005-09-09 12:24:40.0\tp\tst2\t1\tOK\ta~~c\t\n"
        "s\t2005-09-09 12:24:50.0\tp\t\t\t\t\t\n"
    )
    log = read_log(written(tmp_path, text))
    assert log.data.correct.tolist() == [0, 1]
    assert log.data.skill_indptr.tolist() == [0, 2, 4]
    assert (log.n_later, log.n_unscored) == (1, 1)


@pytest.mark.parametrize(
    ("attempt", "outcome", "field"),
    [("1", "perhaps", "Outcome"), ("first", "CORRECT", "Attempt At Step")],
)
def test_a_transaction_that_says_something_else_is_refused(
    tmp_path: Path, attempt: str, outcome: str, field: str
) -> None:
    row = f"s\t2005-09-09 12:24:35.0\tp\tst\t{attempt}\t{outcome}\ta\t\n"
    with pytest.raises(RowsError) as refused:
        read_log(written(tmp_path, TRANSACTIONS + row))
    assert refused.value.faults[0].field == field
