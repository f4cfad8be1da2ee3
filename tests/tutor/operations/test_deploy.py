"""The deployment's files parse, hang together and know the settings that exist."""

import re
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from tutor.env import BASE_DIR, SETTINGS
from tutor.operations.metrics import QUEUES

DEPLOY = BASE_DIR / "deploy"
KNOWN = {setting.name for setting in SETTINGS}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert isinstance(document, dict)
    return document


def test_every_part_of_the_site_is_a_service(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {
        *("migrate", "web", "worker", "predict-worker", "replay-worker", "fit-worker", "beat"),
        *("database", "broker", "proxy"),
    }


def test_services_wait_for_services_that_exist(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        waits_for = set(service.get("depends_on", ()))
        assert waits_for <= set(compose["services"]) - {name}
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in compose["services"][other], other


def test_every_named_volume_is_declared(compose: dict[str, Any]) -> None:
    used = {
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", ())
        if not volume.startswith(".")
    }
    assert used == set(compose["volumes"])


def test_only_settings_that_exist_are_set(compose: dict[str, Any]) -> None:
    for name in set(compose["services"]) - {"database", "broker", "proxy"}:
        assert set(compose["services"][name]["environment"]) <= KNOWN


def test_every_queue_has_a_worker(compose: dict[str, Any]) -> None:
    queues = {
        service["command"][service["command"].index("-Q") + 1]
        for service in compose["services"].values()
        if "-Q" in service.get("command", ())
    }
    assert queues == set(QUEUES)


def test_every_queue_has_a_unit() -> None:
    listening = re.findall(r" -Q (\w+) ", "".join(unit.read_text() for unit in UNITS))
    assert sorted(listening) == sorted(QUEUES)


def test_what_loads_the_models_that_serve_has_torch(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if {"predict", "replay", "fit"} & set(service.get("command", ())):
            assert service["build"]["target"] == "fit", name
        elif "build" in service:
            assert service["build"]["target"] == "web", name


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    for name in ("STEPWISE_SECRET_KEY", "POSTGRES_PASSWORD"):
        assert re.findall(rf"\$\{{{name}[^}}]*\}}", text)
        assert all(
            use.startswith(f"${{{name}:?") for use in re.findall(rf"\$\{{{name}[^}}]*\}}", text)
        )


def test_the_variables_that_compose_asks_for_are_in_the_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", (DEPLOY / "compose.yaml").read_text()))
    offered = set(re.findall(r"^([A-Z_]+)=", (DEPLOY / "env.example").read_text(), re.MULTILINE))
    assert asked <= offered


def test_compose_itself_accepts_the_file(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "compose", "version"], capture_output=True).returncode
    ):
        pytest.skip("docker compose is not installed")
    environment = tmp_path / "env"
    environment.write_text("SITE_HOST=x.example\nSTEPWISE_SECRET_KEY=k\nPOSTGRES_PASSWORD=p\n")
    command = [
        docker,
        "compose",
        "--env-file",
        str(environment),
        "-f",
        str(DEPLOY / "compose.yaml"),
    ]
    subprocess.run([*command, "config", "--quiet"], check=True)


def test_the_web_image_has_no_torch() -> None:
    stages = re.split(r"^FROM ", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    web = next(stage for stage in stages if "AS web" in stage.splitlines()[0])
    assert "pip install -e .\n" in web
    assert "fit" not in web


def test_the_images_copy_paths_that_exist() -> None:
    for line in (DEPLOY / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY"):
            for source in line.split()[1:-1]:
                assert (BASE_DIR / source).exists(), source


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_runs_a_program_of_the_site_as_its_own_user(unit: Path) -> None:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(unit.read_text())
    service = parser["Service"]
    assert service["ExecStart"].startswith("/srv/stepwise/.venv/bin/")
    assert service["User"] == "stepwise"
    assert parser["Install"]["WantedBy"] == "multi-user.target"


def test_the_shell_scripts_parse() -> None:
    subprocess.run(["sh", "-n", str(DEPLOY / "serve")], check=True)
    subprocess.run(["bash", "-n", str(BASE_DIR / ".ci" / "run")], check=True)


@pytest.mark.parametrize("path", [".github/workflows/ci.yaml", ".pre-commit-config.yaml"])
def test_the_yaml_files_parse(path: str) -> None:
    assert isinstance(yaml.safe_load((BASE_DIR / path).read_text()), dict)
