"""Hold a running site to its OpenAPI document, at any size: schemathesis with all its checks.

    python benchmarks/api_contract.py http://127.0.0.1:8000 --token sw_... --examples 30

The site should be one for trying out: cases that fit the document make classes, learners and fits.
"""

import argparse
import json
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.tutor.api.contract import PHASES, contract_run

# Lists whose first row's id stands for its kind.
LISTS = ("courses", "classrooms", "learners", "imports", "responses/imports")
OF_COURSE = {"problems": "problems", "fits": "fits", "model-versions": "model-versions"}


def ids_found(site: str, token: str) -> dict[str, str]:
    """Return the id of the first of each kind that the site has."""

    def first(page: str) -> str | None:
        request = urllib.request.Request(
            f"{site}/api/v1/{page}/?limit=1", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request) as answer:
            rows = json.load(answer)["results"]
        return rows[0]["uuid"] if rows else None

    found = {kind: first(kind) for kind in LISTS}
    for kind, page in OF_COURSE.items():
        if found["courses"]:
            found[kind] = first(f"courses/{found['courses']}/{page}")
    if found["classrooms"]:
        found["enrolments"] = first(f"classrooms/{found['classrooms']}/enrolments")
    return {kind: uuid for kind, uuid in found.items() if uuid}


def main() -> None:
    """Run the checks with the token, then without one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site")
    parser.add_argument("--token", required=True, help="An administrator's, with the scope admin.")
    parser.add_argument("--examples", type=int, default=20, help="Random cases an operation.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phases", default=",".join(PHASES))
    parser.add_argument("--rate", default="9/s", help="Below what a token may call.")
    options = parser.parse_args()
    ids = ids_found(options.site, options.token)
    is_kept = True
    for words, token in (("with a token", options.token), ("without", None)):
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            done = contract_run(
                options.site,
                folder=Path(folder),
                ids=ids,
                token=token,
                examples=options.examples,
                seed=options.seed,
                phases=tuple(options.phases.split(",")),
                rate=options.rate,
                timeout_seconds=24 * 3600.0,
            )
        print(done.output)
        print(
            f"{words}: {done.n_cases} cases, {'kept' if done.is_kept else 'BROKEN'}, "
            f"{time.monotonic() - began:.0f} s"
        )
        is_kept = is_kept and done.is_kept
    sys.exit(0 if is_kept else 1)


if __name__ == "__main__":
    main()
