"""What a killed run leaves behind is found and ended; strangers' processes are not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tutor.common.errors import TutorError
from tutor.operations.layout import Layout, layout_make
from tutor.operations.leftovers import leftovers_end, process_end, run_lock

SLEEP = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('ready', flush=True); time.sleep(60)"
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    var = tmp_path / "var"
    made = Layout(
        var=var, broker=var / "broker", logs=var / "log", run=var / "run", sockets=tmp_path / "s"
    )
    layout_make(made)
    return made


def test_a_leftover_is_ended_and_its_pid_file_removed(layout: Layout) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLEEP, "tutor"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        # A process has no command line yet in its first moment.
        process.stdout.readline()
        layout.pidfile("web").write_text(f"{process.pid}\n")
        assert leftovers_end(layout) == ["web"]
        assert process.wait(timeout=5) != 0
    assert not layout.pidfile("web").exists()


def test_a_process_that_is_not_ours_is_left_alone(layout: Layout) -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEP], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        layout.pidfile("web").write_text(f"{process.pid}\n")
        assert leftovers_end(layout) == []
        assert process.poll() is None
        process.kill()
    assert not layout.pidfile("web").exists()


@pytest.mark.parametrize("content", ["", "no number", "1", "-1", "99999999"])
def test_a_useless_pid_file_is_removed(layout: Layout, content: str) -> None:
    layout.pidfile("web").write_text(content)
    assert leftovers_end(layout) == []
    assert not layout.pidfile("web").exists()


def test_a_process_that_ignores_the_polite_word_is_killed(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(process_end.__kwdefaults__, "term_seconds", 0.2)
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN, "tutor"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        layout.pidfile("worker").write_text(f"{process.pid}\n")
        assert leftovers_end(layout) == ["worker"]
        assert process.wait(timeout=5) == -9


def test_a_second_run_of_the_same_directory_is_refused(layout: Layout) -> None:
    with (
        run_lock(layout),
        pytest.raises(TutorError, match="already runs from") as caught,
        run_lock(layout),
    ):
        pass
    assert caught.value.code == "already_running"
    with run_lock(layout):
        pass
