import csv
import json
from pathlib import Path

import numpy as np
import pytest

from kt_models.cli.main import main
from kt_models.datasets.read import read_log

SIMULATE = ("simulate", "--learners", "30", "--responses", "12", "--skills", "3", "--seed", "1")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv.gz"
    assert main([*SIMULATE, "--out", str(path)]) == 0
    return path


def predictions(path: Path) -> list[tuple[str, int, float]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["learner", "position", "p"]
    return [(learner, int(at), float(p)) for learner, at, p in rows[1:]]


def predict(tmp_path: Path, model: str, train: str, test: str) -> list[tuple[str, int, float]]:
    header = "learner,timestamp,item,skill,correct\n"
    (tmp_path / "train.csv").write_text(header + train, encoding="utf-8")
    (tmp_path / "test.csv").write_text(header + test, encoding="utf-8")
    out = tmp_path / "preds.csv"
    files = ["--train", str(tmp_path / "train.csv"), "--test", str(tmp_path / "test.csv")]
    assert main(["predict", "--model", model, *files, "--out", str(out)]) == 0
    return predictions(out)


TRAIN = "".join(
    f"l{n},{t},i{t % 3},{'xy'[t % 2]},{(n + t) % 3 > 0:d}\n" for n in range(12) for t in range(8)
)


@pytest.mark.parametrize("kind", ["bkt", "ou", "practice"])
def test_a_simulated_log_can_be_read_back(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "log.csv"
    assert main([*SIMULATE, "--kind", kind, "--out", str(path)]) == 0
    data = read_log(path).data
    assert (data.n_responses, data.n_learners) == (360, 30)
    assert data.time_unit == ("index" if kind == "bkt" else "days")


def test_predict_writes_a_row_for_each_row_of_the_test_file_in_order(tmp_path: Path) -> None:
    test = "b,0,i1,x,1\nb,0,i1,y,1\nb,1,i2,,0\nb,2,i1,x,1\na,0,i0,y,0\n"
    rows = predict(tmp_path, "learner_mean", TRAIN, test)
    assert [row[:2] for row in rows] == [("b", 0), ("b", 1), ("b", 2), ("b", 3), ("a", 0)]
    p = [row[2] for row in rows]
    assert p[0] == p[1] == p[4]
    assert p[3] < p[2]
    assert p[2] > p[0]


@pytest.mark.parametrize("model", ["majority", "bkt", "das3h_items"])
def test_a_later_answer_changes_no_earlier_prediction(tmp_path: Path, model: str) -> None:
    rows = [f"b,{t},i{t % 3},x,{t % 2}\n" for t in range(6)]
    before = predict(tmp_path, model, TRAIN, "".join(rows))
    rows[3] = "b,3,i0,x,0\n"
    after = predict(tmp_path, model, TRAIN, "".join(rows))
    assert before[:4] == after[:4]


def test_a_learner_who_goes_on_in_the_test_file_is_known_from_training(tmp_path: Path) -> None:
    train = TRAIN + "".join(f"me,{t},i0,x,1\n" for t in range(6))
    later = predict(tmp_path, "learner_mean", train, "me,6,i0,x,1\nnew,6,i0,x,1\n")
    assert later[0][2] > later[1][2] + 0.02
    overlapping = predict(tmp_path, "learner_mean", train, "me,0,i0,x,1\nnew,0,i0,x,1\n")
    assert overlapping[0][2] == overlapping[1][2]


def test_compare_writes_rows_by_the_contract(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    plots = tmp_path / "plots"
    options = ["--protocol", "honest", "--folds", "3", "--seeds", "0,1"]
    written = ["--json", str(out), "--plots", str(plots)]
    assert main(["compare", "--data", str(log), "--models", "bkt,pfa", *options, *written]) == 0
    rows = json.loads(out.read_text())["rows"]
    assert len(rows) == 12
    assert list(rows[0])[:9] == [
        "model",
        "data",
        "protocol",
        "learner_filter",
        "horizon",
        "seed",
        "fold",
        "n_learners",
        "n_predictions",
    ]
    assert {row["model"] for row in rows} == {"bkt", "pfa"}
    assert sum(row["n_predictions"] for row in rows if row["model"] == "bkt") == 720
    assert sorted(path.name for path in plots.iterdir()) == [
        "learning-1.png",
        "reliability-1.png",
        "roc-1.png",
    ]


@pytest.mark.parametrize("protocol", ["published", "future"])
def test_compare_takes_a_train_and_a_test_file(log: Path, tmp_path: Path, protocol: str) -> None:
    out = tmp_path / "rows.json"
    files = ["--train", str(log), "--test", str(log)]
    options = ["--models", "majority", "--protocol", protocol, "--json", str(out)]
    assert main(["compare", *files, *options]) == 0
    (row,) = json.loads(out.read_text())["rows"]
    assert row["n_predictions"] == (360 if protocol == "published" else 2 * 30 * 2)


def test_a_model_of_another_package_is_refused_with_the_names_there_are(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--models", "bkt,oracle", "--protocol", "honest"]
    assert main(["compare", "--data", str(log), *options]) == 1
    said = capsys.readouterr().err
    assert "no model is called 'oracle'" in said
    assert "das3h_items" in said


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "give either --data"),
        (["--train", "x.csv"], "give either --data"),
        (["--data", "nowhere.csv"], "nowhere.csv is not a file"),
    ],
)
def test_wrong_files_end_in_one_sentence(
    files: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *files, "--models", "bkt", "--protocol", "honest"]) == 1
    assert said in capsys.readouterr().err


def test_a_fitted_model_is_saved_inspected_and_evaluated(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    out = tmp_path / "scores.json"
    assert main(["fit", "--model", "pfa", "--data", str(log), "--out", str(model)]) == 0
    assert main(["inspect", str(model)]) == 0
    assert main(["inspect", str(log)]) == 0
    assert main(["evaluate", str(model), "--data", str(log), "--json", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "pfa" in shown
    assert "360" in shown
    content = json.loads(out.read_text())
    assert content["all"]["n"] == 360
    assert sum(part["n"] for part in content["by answers given before"].values()) == 360
    assert main(["fit", "--model", "pfa", "--data", str(log), "--out", str(model)]) == 1


def test_evaluate_of_a_name_is_a_comparison_of_one(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    assert main(["evaluate", "bkt", "--data", str(log), "--folds", "2", "--json", str(out)]) == 0
    assert [row["fold"] for row in json.loads(out.read_text())["rows"]] == [0, 1]


@pytest.mark.parametrize("seeds", ["a", "1,1", "-1"])
def test_seeds_must_be_different_integers(
    seeds: str, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "bkt", "--data", str(log), f"--seeds={seeds}"])
    assert seeds in capsys.readouterr().err


def test_seeds_draw_different_folds(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    options = ["--folds", "2", "--seeds", "0,1", "--json", str(out)]
    assert main(["evaluate", "learner_mean", "--data", str(log), *options]) == 0
    rows = json.loads(out.read_text())["rows"]
    assert not np.isclose(rows[0]["log_loss"], rows[2]["log_loss"], atol=1e-9)
