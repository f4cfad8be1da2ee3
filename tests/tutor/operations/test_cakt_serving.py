"""CAKT in the prediction role of a running site: real broker, real workers, the queue `predict`."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import Run, environment_of, running_site
from tutor.env import BASE_DIR
from tutor.scheduling.services import STEPS_AT_HAND, STEPS_DRAWN_FROM
from tutor.scheduling.statuses import PolicyConfig

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


def act(var: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=BASE_DIR,
        env=environment_of(var) | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    # A socket's path must be short.
    var = tmp_path_factory.mktemp("c") / "var"
    var.mkdir()
    act(var, "-m", "tests.tutor.operations.cakt_site", "make")
    with running_site(var) as run:
        yield run


@pytest.fixture(scope="module", params=["cakt_plus", "cakt_small"])
def served(site: Run, request: pytest.FixtureRequest) -> dict[str, Any]:
    told = act(site.var, "-m", "tests.tutor.operations.cakt_site", "serve", request.param)
    found: dict[str, Any] = json.loads(told)
    return found | {"model": request.param, "site": site}


def pids_of(site: Run, name: str) -> list[int]:
    pids = [site.pid(name)]
    for pid in pids:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            pids += [int(child) for child in children.read_text().split()]
    return pids


def has_torch(site: Run, name: str) -> bool:
    return any("libtorch" in Path(f"/proc/{pid}/maps").read_text() for pid in pids_of(site, name))


def test_every_answer_reaches_the_state_and_its_lag_is_kept(served: dict[str, Any]) -> None:
    assert served["n_answers"] == 24
    assert served["n_lags"] == served["n_observations"] == served["n_answers"]


def test_states_are_what_a_replay_of_the_log_gives(served: dict[str, Any]) -> None:
    told = act(served["site"].var, "manage.py", "rebuild_states", "--verify")
    assert told == "0 differences"


def test_only_the_workers_that_load_models_load_torch(served: dict[str, Any]) -> None:
    site = served["site"]
    assert has_torch(site, "predict-worker")
    for name in ("worker", "web", "beat"):
        assert not has_torch(site, name), name


def test_its_forecasts_rank_the_problems_of_a_skill(served: dict[str, Any]) -> None:
    aim = PolicyConfig().target_p_correct
    for learner in served["forecasts"]:
        p = learner["p"]
        for skill, steps in learner["steps"].items():
            at_hand = steps[:STEPS_AT_HAND]
            nearest = sorted(at_hand, key=lambda key: round(abs(p[key] - aim), 2))
            assert set(learner["drawn"][skill]) == set(nearest[:STEPS_DRAWN_FROM])


def test_the_model_with_items_tells_problems_apart(served: dict[str, Any]) -> None:
    for learner in served["forecasts"]:
        for steps in learner["steps"].values():
            of_skill = [learner["p"][key] for key in steps]
            if served["model"] == "cakt_plus":
                # The later ones were harder for everyone before.
                assert of_skill[0] > of_skill[-1] + 0.1
            else:
                assert max(of_skill) - min(of_skill) < 1e-3
