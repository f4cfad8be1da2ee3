"""The directories of a run: made, closed to others, refused when they are not ours to use."""

import os
import stat
from pathlib import Path

import pytest

from tutor.common.errors import TutorError
from tutor.env import secret_key_load
from tutor.operations.layout import Layout, layout_make


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    var = tmp_path / "var"
    return Layout(
        var=var, broker=var / "broker", logs=var / "log", run=var / "run", sockets=tmp_path / "s"
    )


def test_directories_are_made_and_closed_to_other_users(layout: Layout) -> None:
    layout_make(layout)
    for path in (layout.var, layout.broker, layout.logs, layout.run, layout.sockets):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_an_open_socket_directory_is_closed(layout: Layout) -> None:
    layout.sockets.mkdir(mode=0o777)
    layout_make(layout)
    assert stat.S_IMODE(layout.sockets.stat().st_mode) == 0o700


def test_a_link_in_place_of_the_socket_directory_is_refused(layout: Layout, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    layout.sockets.symlink_to(elsewhere)
    with pytest.raises(TutorError, match="must be a directory of the user") as caught:
        layout_make(layout)
    assert caught.value.code == "not_ours"


def test_a_directory_of_another_user_is_refused(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = os.getuid()
    monkeypatch.setattr("tutor.operations.layout.os.getuid", lambda: uid + 1)
    with pytest.raises(TutorError, match="must be a directory of the user"):
        layout_make(layout)


def test_a_file_where_the_var_directory_should_be_is_named(layout: Layout) -> None:
    layout.var.write_text("")
    with pytest.raises(TutorError, match=f"{layout.var} cannot be written") as caught:
        layout_make(layout)
    assert "STEPWISE_VAR_DIR" in caught.value.message


def test_a_var_directory_made_for_its_key_is_closed_to_other_users(tmp_path: Path) -> None:
    secret_key_load(tmp_path / "var")
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
