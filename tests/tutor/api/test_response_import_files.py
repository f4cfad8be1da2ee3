"""Which files of response logs are read over the API, and what is said of those that are not."""

import gzip
import json

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from tests.tutor.api.log_uploads import HEADER, LOG, START, finish, post
from tests.world import World
from tutor.accounts.models import User
from tutor.responses.models import Response

DATASHOP = (
    "Anon Student Id\tTime\tProblem Name\tStep Name\tAttempt At Step\tOutcome\tKC (x)\tKC (x)\n"
    "s1\t2005-09-09 12:24:35.0\tp\ta1a\t1\tHINT\ta\t\n"
    "s1\t2005-09-09 12:24:45.0\tp\ta1a\t2\tCORRECT\ta\t\n"
    "s1\t2005-09-09 12:25:35.0\tp\tb1a\t1\tCORRECT\ta\tb\n"
    "s1\t2005-09-09 12:26:00.0\t\t\t\t\t\t\n"
)


@pytest.mark.parametrize("kind", ["form", "body"])
def test_datashop_transactions_count_first_attempts(
    world: World, importer: APIClient, kind: str
) -> None:
    fields = {"mapping": json.dumps({"items": {"p::a1a": "a1a", "p::b1a": "b1a"}})}
    if kind == "form":
        answer = post(importer, world, DATASHOP, format="datashop", **fields)
    else:
        query = {"course": "sums", "classroom": str(world.classroom.uuid), **fields}
        answer = importer.generic(
            "POST",
            START,
            DATASHOP,
            content_type="text/tab-separated-values",
            query_params=query,
        )
    job = finish(answer)
    assert job.status == "done", job.errors
    rows = Response.objects.order_by("answered_at").values_list("step__key", "is_correct")
    assert list(rows) == [("a1a", False), ("b1a", True)]
    two = Response.objects.get(step__key="b1a")
    assert two.skill_ids == sorted([world.skills["a"].pk, world.skills["b"].pk])
    assert [note.partition(": ")[2] for note in job.notes] == [
        "1 rows that are no first answers, left out",
        "1 rows without an attempt or an outcome, left out",
    ]


BROKEN = {
    "Latin-1": (HEADER.encode() + "andré,1096470301,a1a,a,0\n".encode("latin-1"), "utf-8"),
    "UTF-16": (LOG.encode("utf-16"), "utf-8"),
    "empty": (b"\n", "first line is empty"),
    "another header": (b"a,b\n1,2\n", "no known format"),
    "a gzip that ends early": (gzip.compress(LOG.encode())[:-9], "cannot be read"),
    "a gzip of noise": (b"\x1f\x8b" + b"\x00" * 40, "cannot be read"),
    "a cell of 10 MB": (HEADER.encode() + b"8,1," + b"x" * 10_000_000 + b",a,1\n", "characters"),
    "a header of 10 MB": (b"learner," * 1_250_000, "no known format"),
    "a quote that stays open": (LOG.encode() + b'8,"' + b"1096470301,a1a,a,1\n" * 90_000, "quotes"),
    "a null character": (HEADER.encode() + b"8\x00,1096470301,a1a,a,1\n", "null"),
    "an id of 2,000 letters": (
        HEADER.encode() + b"8,1096470301," + b"x" * 2000 + b",a,1\n",
        "1,000",
    ),
    "truncated in a row": (LOG.encode()[:-8], "cells"),
    "days first": (HEADER.encode() + b"8,13.09.2020,a1a,a,1\n", "year first"),
    "months first": (HEADER.encode() + b"8,09/13/2020 1:05 PM,a1a,a,1\n", "year first"),
    "months in words": (HEADER.encode() + b'8,"Sep 13, 2020",a1a,a,1\n', "year first"),
    "the year 2100": (HEADER.encode() + b"8,4102444800,a1a,a,1\n", "until now"),
    "infinite": (HEADER.encode() + b"8,1e999,a1a,a,1\n", "a number"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_log_ends_in_listed_errors_and_changes_nothing(
    world: World, importer: APIClient, name: str
) -> None:
    content, words = BROKEN[name]
    before = User.objects.count()
    job = finish(post(importer, world, content))
    assert job.status == "refused"
    assert words in job.result["message"]
    assert job.errors
    assert all(row["message"] for row in job.errors)
    assert str(settings.MEDIA_ROOT) not in json.dumps(job.errors)
    assert (Response.objects.count(), User.objects.count()) == (0, before)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + LOG.encode(),
        LOG.replace("\n", "\r\n").encode(),
        gzip.compress(LOG.encode()),
        LOG.replace("correct\n", "correct,unknown\n").encode(),
        LOG.replace("1096470301", "2004-09-29T15:05:01Z")
        .replace("1096470350", "2004/09/29 15:05:50")
        .encode(),
    ],
    ids=["byte order mark", "CRLF", "gzip", "an unknown column", "dates with the year first"],
)
def test_what_is_no_fault_is_read(world: World, importer: APIClient, content: bytes) -> None:
    job = finish(post(importer, world, content))
    assert job.status == "done", job.errors
    assert job.result["first_at"] == "2004-09-29T15:05:01+00:00"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"course": ""}, "/course"),
        ({"classroom": "7"}, "/classroom"),
        ({"format": "pdf"}, "/format"),
        ({"dry_run": "perhaps"}, "/dry_run"),
        ({"index_minutes": "-1"}, "/index_minutes"),
        ({"start": "29.9.2004"}, "/start"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(
    world: World, importer: APIClient, fields: dict[str, str], pointer: str
) -> None:
    answer = post(importer, world, **fields)
    assert answer.status_code == 400
    assert pointer in [row["pointer"] for row in answer.json()["errors"]]
