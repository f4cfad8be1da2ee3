"""The generated configurations: what is started, and what must never be in them."""

import shlex
from configparser import RawConfigParser
from pathlib import Path

import pytest

from tutor.operations.layout import Layout
from tutor.operations.supervisor_config import (
    Program,
    beat_program,
    broker_config,
    broker_program,
    fit_worker_program,
    predict_worker_program,
    replay_worker_program,
    supervisor_config,
    web_program,
    worker_program,
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    var = tmp_path / "a place with 100% spaces; and more"
    return Layout(
        var=var, broker=var / "broker", logs=var / "log", run=var / "run", sockets=var / "s"
    )


def parsed(text: str) -> RawConfigParser:
    config = RawConfigParser()
    config.read_string(text)
    return config


def all_programs(layout: Layout) -> list[Program]:
    return [
        broker_program(layout, binary=Path("/bin/valkey-server")),
        web_program(host="127.0.0.1", port=8123, processes=3, threads=5),
        worker_program(concurrency=2),
        predict_worker_program(concurrency=2),
        replay_worker_program(),
        fit_worker_program(),
        beat_program(),
    ]


def test_every_program_waits_for_its_word_and_is_restarted(layout: Layout) -> None:
    config = parsed(
        supervisor_config(layout, programs=all_programs(layout), directory=Path("/site"))
    )
    for program in all_programs(layout):
        name = program.name
        section = config[f"program:{name}"]
        assert section["autostart"] == "false"
        assert section["autorestart"] == "true"
        assert section["stdout_logfile_maxbytes"] != "0"


def test_a_path_with_a_percent_sign_and_spaces_stays_one_argument(layout: Layout) -> None:
    config = parsed(
        supervisor_config(layout, programs=all_programs(layout), directory=Path("/site"))
    )
    command = shlex.split(config["program:web"]["command"].replace("%%", "%"))
    assert str(layout.pidfile("web")) in command
    assert "%%" in config["program:web"]["stdout_logfile"]


def test_the_web_server_gets_address_processes_and_threads() -> None:
    command = list(web_program(host="::1", port=8123, processes=3, threads=5).command)
    assert command[command.index("--bind") + 1] == "[::1]:8123"
    assert command[command.index("--workers") + 1] == "3"
    assert command[command.index("--threads") + 1] == "5"


def argument_of(program: Program, option: str) -> str:
    command = list(program.command)
    return command[command.index(option) + 1]


def test_what_is_short_never_waits_behind_a_fit_or_a_replay() -> None:
    worker, fit_worker = worker_program(concurrency=2), fit_worker_program()
    predict_worker, replay_worker = predict_worker_program(concurrency=2), replay_worker_program()
    assert argument_of(worker, "-Q") == "default"
    assert argument_of(predict_worker, "-Q") == "predict"
    assert argument_of(replay_worker, "-Q") == "replay"
    assert argument_of(fit_worker, "-Q") == "fit"
    # A learner's next step hangs on it, as pages do.
    assert "nice" not in [*worker.command, *predict_worker.command]
    # What it has loaded serves many answers.
    assert int(argument_of(predict_worker, "--max-tasks-per-child")) >= 1000
    for patient in (replay_worker, fit_worker):
        assert "nice" in patient.command
        assert argument_of(patient, "-n") == "10"
    assert argument_of(fit_worker, "--concurrency") == "1"
    # Each fit leaves its memory behind with its process.
    assert argument_of(fit_worker, "--max-tasks-per-child") == "1"
    workers = (worker, predict_worker, replay_worker, fit_worker)
    assert len({argument_of(one, "--hostname") for one in workers}) == 4


def test_no_secret_reaches_a_configuration(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://u:sesame@host/db")
    monkeypatch.setenv("STEPWISE_SECRET_KEY", "sesame" * 10)
    text = supervisor_config(layout, programs=all_programs(layout), directory=Path("/site"))
    assert "sesame" not in text + broker_config(layout)


def test_the_broker_has_no_network_and_keeps_its_log(
    layout: Layout, settings: pytest.FixtureRequest
) -> None:
    lines = broker_config(layout).splitlines()
    assert "port 0" in lines
    assert "unixsocketperm 700" in lines
    assert "appendonly yes" in lines
    assert "maxmemory-policy noeviction" in lines
    assert f'dir "{layout.broker}"' in lines
