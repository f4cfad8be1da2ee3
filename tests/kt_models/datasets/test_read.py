import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from kt_models.datasets.read import read_log
from kt_models.errors import DataError

HEADER = "learner,timestamp,item,skill,correct\n"
SHARED = Path(os.environ.get("STEPWISE_DATA", "../shared")) / "data"


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def normalised(tmp_path: Path, rows: str) -> Path:
    return written(tmp_path / "log.csv", HEADER + rows)


def test_rows_of_equal_learner_timestamp_and_item_are_one_response(tmp_path: Path) -> None:
    log = read_log(normalised(tmp_path, "a,0,i1,x,1\na,0,i1,y,1\na,1,i1,x,0\nb,0,i2,y,1\n"))
    data = log.data
    assert data.n_responses == 3
    assert [data.skills_of(row) for row in range(3)] == [("x", "y"), ("x",), ("y",)]
    assert log.row_response.tolist() == [0, 0, 1, 2]
    assert data.correct.tolist() == [1, 0, 1]
    assert log.n_repeats == 1
    assert data.time_unit == "index"


def test_repeats_that_are_not_neighbours_are_still_one_response(tmp_path: Path) -> None:
    log = read_log(normalised(tmp_path, "a,0,i1,x,1\na,0,i2,x,0\na,0,i1,y,1\n"))
    assert log.row_response.tolist() == [0, 1, 0]
    assert log.data.skills_of(0) == ("x", "y")


def test_repeats_that_disagree_are_incorrect_and_counted(tmp_path: Path) -> None:
    log = read_log(normalised(tmp_path, "a,0,i1,x,1\na,0,i1,y,0\n"))
    assert log.data.correct.tolist() == [0]
    assert log.n_conflicts == 1
    assert any("another outcome" in sentence for sentence in log.notes())


def test_without_merging_every_row_is_a_response_at_its_own_index(tmp_path: Path) -> None:
    path = normalised(tmp_path, "a,1e9,i1,x,1\na,1e9,i1,y,1\nb,1e9,i1,x,0\n")
    data = read_log(path, merge=False).data
    assert data.n_responses == 3
    assert data.time.tolist() == [0.0, 1.0, 0.0]
    assert data.time_unit == "index"


def test_epoch_seconds_become_days_and_indexes_stay(tmp_path: Path) -> None:
    seconds = read_log(normalised(tmp_path, "a,1096470301,i,x,0\na,1096556701,i,x,1\n")).data
    assert seconds.time_unit == "days"
    assert np.diff(seconds.time).tolist() == pytest.approx([1.0])
    path = normalised(tmp_path, "a,5,i,x,0\n")
    assert read_log(path).data.time_unit == "index"
    assert read_log(path, time_unit="seconds").data.time.tolist() == [5 / 86_400]
    assert read_log(path, time_unit="days").data.time.tolist() == [5.0]


def test_blank_skills_are_refused_dropped_or_grouped_by_choice(tmp_path: Path) -> None:
    path = normalised(tmp_path, "a,0,i1,x,1\na,1,i2,,0\nb,0,i1,,1\n")
    with pytest.raises(DataError, match=r"row 1 .*'a'.* blank skill"):
        read_log(path)
    dropped = read_log(path, blank_skill="drop")
    assert dropped.row_response.tolist() == [0, -1, -1]
    assert dropped.data.learners.tolist() == ["a"]
    assert dropped.n_blank_skill == 2
    grouped = read_log(path, blank_skill="unknown").data
    assert [grouped.skills_of(row) for row in range(3)] == [("x",), ("unknown",), ("unknown",)]


def test_a_blank_item_is_not_known(tmp_path: Path) -> None:
    data = read_log(normalised(tmp_path, "a,0,,x,1\na,1,i,x,1\n")).data
    assert [data.item_of(row) for row in range(2)] == [None, "i"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a,0,i,x,1\na,1,i,x,2\n", r"row 1 .*correct is '2'"),
        ("a,0,i,x,1\na,soon,i,x,1\n", r"row 1 .*soon"),
        ("a,0,i,x,1\na,nan,i,x,1\n", r"row 1 .*timestamp is 'nan', expected a number"),
        ("a,0,i\n", "row 0"),
        ("a,1,i,x,1\na,0,i,x,1\n", r"row 1 .*time 0\.0.* follows row 0 .*time 1\.0"),
        ("a,0,i,x,1\nb,0,i,x,1\na,1,i,x,1\n", "row 2 .*follows row 1"),
        ("", "no responses"),
    ],
)
def test_a_bad_row_is_refused_with_its_number_and_value(
    tmp_path: Path, rows: str, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        read_log(normalised(tmp_path, rows))


def test_sorting_when_asked_keeps_the_map_from_rows_to_responses(tmp_path: Path) -> None:
    path = normalised(tmp_path, "a,2,i,x,1\nb,0,i,y,0\na,1,i,z,0\n")
    log = read_log(path, sort=True)
    assert log.data.time.tolist() == [1.0, 2.0, 0.0]
    assert log.row_response.tolist() == [1, 2, 0]
    assert log.row_learners[log.row_learner].tolist() == ["a", "b", "a"]


def test_more_rows_than_a_chunk_keep_their_order(tmp_path: Path) -> None:
    n = 70_000
    rows = "".join(f"l{row // 7},{row % 7},i{row % 11},s{row % 5},{row % 2}\n" for row in range(n))
    log = read_log(normalised(tmp_path, rows))
    assert log.data.n_responses == n
    assert log.data.correct.tolist() == [row % 2 for row in range(n)]
    assert [log.data.skills_of(row) for row in (0, 65_535, 65_536, 69_999)] == [
        (f"s{row % 5}",) for row in (0, 65_535, 65_536, 69_999)
    ]


def test_a_gzipped_log_reads_the_same(tmp_path: Path) -> None:
    text = HEADER + "a,0,i,x,1\n"
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert read_log(tmp_path / "log.csv.gz").data.n_responses == 1


def test_a_cut_gzip_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress((HEADER + "a,0,i,x,1\n" * 5000).encode())
    (tmp_path / "log.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot be read"):
        read_log(tmp_path / "log.csv.gz", sort=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [("learner,item,correct\na,i,1\n", "no known format"), ("", "first line is empty")],
)
def test_an_unknown_header_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_log(written(tmp_path / "x.csv", text))


def test_a_named_format_says_which_columns_are_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing sequence_id"):
        read_log(
            written(tmp_path / "x.csv", "user_id,log_id,correct\n1,2,1\n"),
            log_format="assistments2015",
        )


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a file"):
        read_log(tmp_path / "nowhere.csv")


def test_three_lines_a_learner(tmp_path: Path) -> None:
    log = read_log(written(tmp_path / "x.csv", "3\n4,4,5\n1,0,1\n1\n7,\n0,\n"))
    assert log.data.learners.tolist() == ["0", "1"]
    assert [log.data.skills_of(row) for row in range(4)] == [("4",), ("4",), ("5",), ("7",)]
    assert log.data.correct.tolist() == [1, 0, 1, 0]
    assert log.data.time_unit == "index"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3\n4,4\n1,0,1\n", "learner 0 has length '3', 2 concepts"),
        ("2\n4,4\n1,3\n", "response 1 is '3'"),
        ("2\n4,4\n", "2 lines"),
    ],
)
def test_three_lines_that_do_not_agree_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_log(written(tmp_path / "x.csv", text))


def test_assistments_2009_joins_skills_and_leaves_scaffolds_out(tmp_path: Path) -> None:
    path = written(
        tmp_path / "x.csv",
        "order_id,user_id,problem_id,original,correct,skill_id\n"
        "20,1,p1,1,1,10\n20,1,p1,1,1,11\n10,1,p0,1,0,12_13\n30,1,p2,0,1,10\n",
    )
    log = read_log(path)
    assert [log.data.skills_of(row) for row in range(2)] == [("12", "13"), ("10", "11")]
    assert log.n_scaffolds == 1
    assert read_log(path, keep_scaffolds=True).data.n_responses == 3


def test_assistments_2012_reads_moments_and_partial_credit(tmp_path: Path) -> None:
    log = read_log(
        written(
            tmp_path / "x.csv",
            "user_id,problem_id,start_time,skill_id,correct\n"
            "1,p,2012-09-29 12:00:00.5,31.0,0.25\n1,p,2012-09-28 12:00:00,31.0,1\n",
        )
    )
    assert log.data.skills.tolist() == ["31"]
    assert log.data.correct.tolist() == [1, 0]
    assert log.n_partial == 1
    assert log.data.time[0] == pytest.approx(15_611.5)


def test_assistments_2015_has_no_items(tmp_path: Path) -> None:
    text = "user_id,log_id,sequence_id,correct\n1,9,7014,1\n1,8,7014,0\n"
    data = read_log(written(tmp_path / "x.csv", text)).data
    assert len(data.items) == 0
    assert data.correct.tolist() == [0, 1]


def test_assistments_2017_takes_noskill_for_blank(tmp_path: Path) -> None:
    log = read_log(
        written(
            tmp_path / "x.csv",
            "studentId,skill,problemId,startTime,correct\n"
            "8,area,5,1096470301,1\n8,noskill,6,1096470350,0\n",
        ),
        blank_skill="drop",
    )
    assert log.data.skills.tolist() == ["area"]
    assert log.data.time.tolist() == pytest.approx([1096470301 / 86_400])


KDD = (
    "Anon Student Id\tProblem Name\tStep Name\tStep Start Time\tFirst Transaction Time\t"
    "Correct First Attempt\tKC(Default)\tKC(Other)\n"
    "s1\tP1\tS1\t2005-09-09 12:24:35.0\t2005-09-09 12:24:35.0\t1\tadd~~carry\tz\n"
    "s1\tP1\tS2\t\t2005-09-09 12:23:34.0\t0\tadd\tz\n"
)


def test_a_step_export_needs_a_choice_between_kc_columns(tmp_path: Path) -> None:
    path = written(tmp_path / "x.txt", KDD)
    with pytest.raises(DataError, match="choose one KC column"):
        read_log(path)
    data = read_log(path, kc_column="Default").data
    assert [data.skills_of(row) for row in range(2)] == [("add",), ("add", "carry")]
    assert data.items.tolist() == ["P1::S1", "P1::S2"]
    assert data.correct.tolist() == [0, 1]
    with pytest.raises(DataError, match="no KC column 'Nope'"):
        read_log(path, kc_column="Nope")


def test_a_datashop_export_counts_a_hint_as_incorrect(tmp_path: Path) -> None:
    text = (
        "Anon Student Id\tProblem Name\tStep Name\tStep Start Time\tFirst Attempt\tKC (X)\n"
        "s1\tP\tA\t2011-09-21 17:36:00\thint\tk\n"
        "s1\tP\tB\t2011-09-21 17:37:00\tcorrect\t\n"
    )
    log = read_log(written(tmp_path / "x.txt", text), blank_skill="unknown")
    assert log.data.correct.tolist() == [0, 1]
    assert log.n_blank_skill == 1


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no logs in {SHARED}: set STEPWISE_DATA")
def test_the_counts_of_a_real_log_are_those_stated_with_it() -> None:
    data = read_log(SHARED / "assist2009.csv.gz").data
    assert (data.n_responses, data.n_learners) == (274_561, 4_150)
    assert (len(data.items), len(data.skills)) == (16_891, 110)
    assert round(float(data.correct.mean()), 3) == 0.662
