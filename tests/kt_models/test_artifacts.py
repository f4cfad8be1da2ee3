"""Artifacts appear whole or not at all, and are refused by name when anything is wrong."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from kt_models.artifacts import (
    FORMAT_VERSION,
    check_model_version,
    npz_writer,
    read_artifact,
    safetensors_writer,
    write_artifact,
)
from kt_models.bkt.filter import FittedBKT
from kt_models.errors import ArtifactError, ConfigError
from kt_models.registry import MODELS, load_fitted, load_tracer

ARRAYS = {"x": np.arange(6.0).reshape(2, 3), "ids": np.array(["a", "bb"])}


def write(directory: Path, **changes: object) -> Path:
    options: dict[str, object] = {
        "name": "toy",
        "model_version": 2,
        "config": {"rate": 0.5},
        "writers": {"arrays.npz": npz_writer(ARRAYS)},
        "created_at": datetime(2026, 3, 2, tzinfo=UTC),
    }
    write_artifact(directory, **(options | changes))  # type: ignore[arg-type]
    return directory


def edit_manifest(directory: Path, **changes: object) -> None:
    path = directory / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    artifact = read_artifact(write(tmp_path / "model"), name="toy")
    assert artifact.manifest.config == {"rate": 0.5}
    assert artifact.manifest.created_at == "2026-03-02T00:00:00+00:00"
    loaded = artifact.arrays("arrays.npz")
    np.testing.assert_array_equal(loaded["x"], ARRAYS["x"])
    assert loaded["ids"].tolist() == ["a", "bb"]


def test_equal_models_make_equal_files(tmp_path: Path) -> None:
    write(tmp_path / "one")
    write(tmp_path / "two")
    for name in ("manifest.json", "arrays.npz"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_safetensors_are_written_and_checked_like_npz(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    writers = {"weights.safetensors": safetensors_writer({"w": ARRAYS["x"]})}
    artifact = read_artifact(write(tmp_path / "model", writers=writers))
    loaded = safetensors.load_file(artifact.path("weights.safetensors"))
    np.testing.assert_array_equal(loaded["w"], ARRAYS["x"])


def test_a_changed_a_missing_and_an_unlisted_file_are_named(tmp_path: Path) -> None:
    directory = write(tmp_path / "model")
    with pytest.raises(ArtifactError, match=r"no file 'other\.npz'"):
        read_artifact(directory).path("other.npz")
    path = directory / "arrays.npz"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"!")
    with pytest.raises(ArtifactError, match=r"arrays\.npz was changed"):
        read_artifact(directory)
    path.unlink()
    with pytest.raises(ArtifactError, match=r"lacks the file 'arrays\.npz'"):
        read_artifact(directory)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": FORMAT_VERSION + 1}, "format version 2"),
        ({"format_version": "new"}, "format_version 'new'"),
        ({"surprise": 1}, "surprise"),
        ({"files": ["arrays.npz"]}, "wrong type"),
        ({"files": {"../arrays.npz": "0"}}, "not a plain file name"),
    ],
)
def test_a_manifest_that_is_newer_or_makes_no_sense_is_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    directory = write(tmp_path / "model")
    edit_manifest(directory, **changes)
    with pytest.raises(ArtifactError, match=message):
        read_artifact(directory)


def test_a_directory_without_a_manifest_or_with_half_of_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no manifest\.json"):
        read_artifact(tmp_path)
    (tmp_path / "manifest.json").write_text('{"name": ')
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_artifact(tmp_path)


def test_another_model_and_a_newer_model_version_are_refused(tmp_path: Path) -> None:
    directory = write(tmp_path / "model")
    with pytest.raises(ArtifactError, match="holds a 'toy' model, expected 'bkt'"):
        read_artifact(directory, name="bkt")
    with pytest.raises(ArtifactError, match="model version 2"):
        check_model_version(read_artifact(directory).manifest, newest=1)
    with pytest.raises(ArtifactError, match="'toy', which this code does not know"):
        load_fitted(directory)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    directory = write(tmp_path / "model")
    with pytest.raises(ArtifactError, match="not empty"):
        write(directory)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    with pytest.raises(ArtifactError, match="No space left"):
        write(tmp_path / "model", writers={"a.npz": npz_writer(ARRAYS), "b.npz": fail})
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_breaks_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write(tmp_path / "model", writers={"a.npz": fail})
    assert list(tmp_path.iterdir()) == []


def test_bkt_parameters_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    FittedBKT.with_defaults().save(tmp_path / "model")
    edit_manifest(tmp_path / "model", config={"clock": {}})
    with pytest.raises(ArtifactError, match="does not hold BKT parameters"):
        load_fitted(tmp_path / "model")


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_registered_model_can_be_made(name: str) -> None:
    assert load_tracer(name).name in MODELS


def test_settings_are_passed_on_and_unknown_ones_refused() -> None:
    assert load_tracer("bkt_forgets", n_starts=2).config.n_starts == 2  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="no model is called 'bkd'"):
        load_tracer("bkd")
    with pytest.raises(ConfigError, match="nonsense"):
        load_tracer("bkt", nonsense=1)
    with pytest.raises(ConfigError, match="takes no settings"):
        load_tracer("majority", strength=1)
