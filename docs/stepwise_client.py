"""A client of the Stepwise API in one file, with nothing but Python's standard library.

Copy it beside your program; it asks for Python 3.11 or newer. As a program it lists what a token
reaches:

    STEPWISE_TOKEN=sw_... python stepwise_client.py https://stepwise.school.example
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

BASE = "/api/v1/"
ENDED = {"done", "refused", "failed"}
# Calls that are told to wait are made again so often.
TRIES = 5


class ApiError(Exception):
    """A refusal: `status` and `code` for programs, a sentence for people, errors by field."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(body.get("code", ""))
        self.errors = list(body.get("errors", ()))
        fields = "; ".join(f"{row['pointer']}: {row['detail']}" for row in self.errors)
        said = str(body.get("detail", ""))
        super().__init__(f"{status} {self.code}: {said}{f' ({fields})' if fields else ''}")


class ImportFailed(Exception):  # noqa: N818 - it reads as what happened
    """An import that changed nothing; `job` has its errors, row by row."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        self.job = dict(job)
        super().__init__(str(job.get("result", {}).get("message", job["status"])))


class Stepwise:
    """A site, reached with a token."""

    def __init__(self, site: str, token: str, *, timeout_seconds: float = 60.0) -> None:
        self._base = site.rstrip("/") + BASE
        self._token = token
        self._timeout = timeout_seconds
        # What was read, by address: the ETag, and the answer that it stands for.
        self._kept: dict[str, tuple[str, Any]] = {}

    # ---------- reading ----------
    def get(self, page: str, **query: object) -> Any:
        """Read a page; what has not changed since the last time is not sent again."""
        address = self._address(page, query)
        kept = self._kept.get(address)
        headers = {"If-None-Match": kept[0]} if kept else {}
        try:
            with self._open("GET", address, headers=headers) as answer:
                document, tag = json.load(answer), answer.headers.get("ETag")
        except urllib.error.HTTPError as error:
            if kept and error.code == 304:
                return kept[1]
            raise self._refusal(error) from None
        if tag:
            self._kept[address] = (tag, document)
        return document

    def rows(self, page: str, **query: object) -> Iterator[dict[str, Any]]:
        """Yield every row of a list, page by page."""
        following: str | None = self._address(page, query)
        while following:
            document = self.get(following)
            yield from document["results"]
            following = document["next"]

    def download(self, page: str, path: str | Path, **query: object) -> Path:
        """Save an export, such as `classrooms/<uuid>/responses.csv`, while it is sent."""
        target = Path(path)
        accept = {"Accept": "*/*"}
        try:
            with (
                self._open("GET", self._address(page, query), headers=accept) as answer,
                target.open("wb") as file,
            ):
                while part := answer.read(1 << 16):
                    file.write(part)
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from None
        return target

    # ---------- writing ----------
    def post(self, page: str, body: Mapping[str, Any] | None = None) -> Any:
        """Make or do something; returns the answer."""
        return self._send("POST", page, body)

    def patch(self, page: str, body: Mapping[str, Any]) -> Any:
        """Change something; what is left out of the body stays."""
        return self._send("PATCH", page, body)

    def delete(self, page: str) -> None:
        """End something."""
        self._send("DELETE", page, None)

    def import_course(self, path: str | Path, *, dry_run: bool = False, **fields: object) -> Any:
        """Import a course from a file and wait for the result. Raises: ImportFailed."""
        return self._import("imports/", path, {"dry_run": dry_run, **fields})

    def import_responses(
        self, path: str | Path, *, course: str, dry_run: bool = False, **fields: object
    ) -> Any:
        """Import a response log into a course and wait for the result. Raises: ImportFailed."""
        given = {"course": course, "dry_run": dry_run, **fields}
        return self._import("responses/import/", path, given)

    def wait(self, address: str, *, every_seconds: float = 1.0) -> dict[str, Any]:
        """Wait until an import has ended; returns it. Raises: ImportFailed."""
        while True:
            job: dict[str, Any] = self.get(address)
            if job["status"] in ENDED:
                if job["status"] != "done":
                    raise ImportFailed(job)
                return job
            time.sleep(every_seconds)

    # ---------- how ----------
    def _import(self, page: str, path: str | Path, fields: Mapping[str, object]) -> Any:
        boundary = f"stepwise-{os.urandom(16).hex()}"
        parts = [
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="{name}"\r\n\r\n{_text(value)}\r\n'
            for name, value in fields.items()
        ]
        name = Path(path).name.replace('"', "_")
        parts.append(
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = (
            "".join(parts).encode() + Path(path).read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        )
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        try:
            with self._open("POST", self._address(page, {}), body, headers) as answer:
                where = answer.headers["Location"]
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from None
        return self.wait(where)

    def _send(self, method: str, page: str, body: Mapping[str, Any] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            with self._open(method, self._address(page, {}), data, headers) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from None
        return json.loads(text) if text else None

    def _address(self, page: str, query: Mapping[str, object]) -> str:
        address = page if page.startswith(("http://", "https://")) else self._base + page
        asked = {name: _text(value) for name, value in query.items() if value is not None}
        return f"{address}?{urllib.parse.urlencode(asked)}" if asked else address

    def _open(
        self,
        method: str,
        address: str,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        if not address.startswith(self._base):
            raise ValueError(f"{address} is not of {self._base}; the token stays here")
        told = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - the site's own address only
            address, data=data, method=method, headers=told | dict(headers or {})
        )
        for attempt in range(TRIES):
            try:
                return urllib.request.urlopen(request, timeout=self._timeout)  # noqa: S310
            except urllib.error.HTTPError as error:
                if error.code != 429 or attempt == TRIES - 1:
                    raise
                time.sleep(float(error.headers.get("Retry-After", "1")))
        raise AssertionError("unreachable")

    def _refusal(self, error: urllib.error.HTTPError) -> ApiError:
        try:
            body = json.loads(error.read())
        except ValueError:
            body = {"detail": error.reason}
        return ApiError(error.code, body)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict) else str(value)


def main() -> None:
    """List the courses and classes that the token reaches."""
    site = Stepwise(sys.argv[1], os.environ["STEPWISE_TOKEN"])
    for course in site.rows("courses/"):
        print(f"course {course['key']}: {course['n_problems']} problems")  # noqa: T201
    for classroom in site.rows("classrooms/"):
        print(f"class {classroom['name']}: {classroom['n_learners']} learners")  # noqa: T201


if __name__ == "__main__":
    main()
