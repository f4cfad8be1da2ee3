"""Static files are collected when they changed, and only then."""

from pathlib import Path

import pytest
from django.test import override_settings

from tutor.operations import static_files
from tutor.operations.static_files import static_collect, static_digest


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "site.css").write_text("a { color: red }")
    return folder


def test_nothing_is_collected_twice_without_a_change(source: Path, tmp_path: Path) -> None:
    with override_settings(
        STATIC_ROOT=tmp_path / "out",
        STATICFILES_DIRS=[source],
        STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
    ):
        static_files.get_finders.__globals__["get_finder"].cache_clear()
        assert static_collect(stamp_dir=tmp_path)
        assert (tmp_path / "out" / "site.css").exists()
        assert not static_collect(stamp_dir=tmp_path)
        before = static_digest()
        (source / "page.js").write_text("1")
        assert static_digest() != before
        assert static_collect(stamp_dir=tmp_path)
    static_files.get_finders.__globals__["get_finder"].cache_clear()


def test_a_deleted_folder_is_collected_again(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with override_settings(
        STATIC_ROOT=out,
        STATICFILES_DIRS=[source],
        STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
    ):
        static_files.get_finders.__globals__["get_finder"].cache_clear()
        static_collect(stamp_dir=tmp_path)
        (out / "site.css").unlink()
        out.rmdir()
        assert static_collect(stamp_dir=tmp_path)
    static_files.get_finders.__globals__["get_finder"].cache_clear()
