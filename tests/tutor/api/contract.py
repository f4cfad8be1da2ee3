"""Ask a running site what its OpenAPI document promises, by schemathesis: a program of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Which part of an address an id belongs to.
KINDS = (
    *("responses/imports", "model-versions", "classrooms", "enrolments", "promotions"),
    *("problems", "learners", "courses", "imports", "fits"),
)
PHASES = ("examples", "coverage", "fuzzing")
# What fits the document and cannot be done all the same: a course that is not there. All else that
# fits it must be taken.
ACCEPTED = ("2xx", "3xx", "401", "403", "404", "409", "422", "429")


@dataclass(frozen=True)
class Contract:
    """What came of a run: whether all was kept, how many cases there were, and what was printed."""

    is_kept: bool
    n_cases: int
    output: str


def config_text(ids: Mapping[str, object], *, rate: str | None = None) -> str:
    """Return a configuration that fills addresses with ids of what there is."""
    lines = ["warnings = false"]
    if rate:
        lines.append(f'rate-limit = "{rate}"')
    statuses = ", ".join(f'"{status}"' for status in ACCEPTED)
    lines += ["[checks.positive_data_acceptance]", f"expected-statuses = [{statuses}]"]
    for kind in KINDS:
        if kind in ids:
            lines += [
                "[[operations]]",
                f'include-path-regex = "^/api/v1/{kind}/\\\\{{uuid\\\\}}"',
                f'parameters = {{ "path.uuid" = "{ids[kind]}", "path.number" = 1 }}',
            ]
    return "\n".join(lines) + "\n"


def contract_run(
    url: str,
    *,
    folder: Path,
    ids: Mapping[str, object],
    token: str | None,
    examples: int,
    seed: int = 1,
    phases: tuple[str, ...] = PHASES,
    rate: str | None = None,
    timeout_seconds: float = 600.0,
) -> Contract:
    """Run schemathesis with all checks against a site; folder gets its configuration and report."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schemathesis.toml").write_text(config_text(ids, rate=rate))
    report = folder / "report.json"
    command = [
        *(str(Path(sys.executable).parent / "st"), "--config-file", "schemathesis.toml", "run"),
        *(f"{url}/api/v1/schema/?format=json", "--checks", "all", "--phases", ",".join(phases)),
        *("--max-examples", str(examples), "--seed", str(seed), "--generation-database", "none"),
        *("--continue-on-failure", "--no-color", "--no-shrink"),
        *("--suppress-health-check", "all", "--report-json-path", str(report)),
    ]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=timeout_seconds
    )
    cases = json.loads(report.read_text())["test_cases"]["generated"] if report.exists() else 0
    return Contract(
        is_kept=done.returncode == 0, n_cases=int(cases), output=done.stdout + done.stderr
    )
