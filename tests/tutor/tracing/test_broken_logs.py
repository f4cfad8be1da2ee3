"""Response logs that cannot be taken: refused with row, value and what was expected."""

import gzip
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.world import World
from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.tracing.history_import import history_import
from tutor.tracing.history_reading import HistoryOptions, history_read

pytestmark = pytest.mark.django_db

CSV = "learner,timestamp,item,skill,correct\n"
GOOD = "ada,1600000000,p1,a,1\n"
DATASHOP = "Anon Student Id\tProblem Name\tStep Name\tStep Start Time\tFirst Attempt\tKC (x)\n"
ASSISTMENTS = "user_id,start_time,problem_id,skill_id,correct\n"


@dataclass(frozen=True)
class Broken:
    """A log, the format asked for, and what the refusal says."""

    name: str
    content: bytes
    words: tuple[str, ...]
    log_format: str = "auto"


def of(*rows: str) -> bytes:
    return (CSV + "".join(rows)).encode()


CASES = [
    Broken("empty", b"", ("first line is empty",)),
    Broken("another header", b"a,b\n1,2\n", ("no known format has the header",)),
    Broken("a column short", b"learner,item,skill,correct\n", ("missing timestamp",), "csv"),
    Broken(
        "ISO dates",
        of(GOOD, "ada,2020-09-13T12:26:41,p1,a,1\n"),
        ("row 1", "timestamp is '2020-09-13T12:26:41'", "expected a number"),
    ),
    Broken("days first", of("ada,13/09/2020,p1,a,1\n"), ("row 0", "'13/09/2020'", "expected")),
    Broken("months in words", of('ada,"Sep 13, 2020",p1,a,1\n'), ("'Sep 13, 2020'", "expected")),
    Broken(
        "American dates in DataShop",
        (DATASHOP + "s\tp\tst\t9/13/2020 12:26\tcorrect\tk\n").encode(),
        ("row 0", "'9/13/2020 12:26'", "2005-09-09 12:24:35"),
    ),
    Broken(
        "no time in ASSISTments",
        (ASSISTMENTS + "1,,2,3,1\n").encode(),
        ("row 0", "start_time is ''", "expected a time with the year first"),
    ),
    Broken("no number at all", of("ada,nan,p1,a,1\n"), ("row 0", "nan")),
    Broken("for ever", of("ada,inf,p1,a,1\n"), ("row 0", "inf")),
    Broken("the year 2100", of("ada,4102444800,p1,a,1\n"), ("Row 0", "until now")),
    Broken("milliseconds", of("ada,1600000000000,p1,a,1\n"), ("Row 0", "until now")),
    Broken("order indexes", of("ada,1,p1,a,1\n", "ada,2,p1,a,1\n"), ("order indexes",)),
    Broken("half right", of("ada,1600000000,p1,a,0.5\n"), ("row 0", "'0.5', expected 0 or 1")),
    Broken("right in words", of("ada,1600000000,p1,a,yes\n"), ("'yes', expected 0 or 1",)),
    Broken("a cell short", of("ada,1600000000\n"), ("row 0", "ada")),
    Broken("Latin-1", CSV.encode() + "andré,1600000000,p1,a,1\n".encode("latin-1"), ("utf-8",)),
    Broken("a broken gzip", gzip.compress(of(GOOD))[:-6], ("cannot be read",)),
    Broken("blank skill", of("ada,1600000000,p1,,1\n"), ("skill",)),
    Broken("an unknown format", of(GOOD), ("'pdf', expected one of",), "pdf"),
]


def attempt(file: Path, now: datetime, log_format: str = "auto") -> None:
    history = history_read(file, options=HistoryOptions(log_format=log_format), now=now)
    history_import(
        history,
        course_key="new",
        is_creating_content=True,
        by=None,
        now=now,
        is_dry_run=False,
    )


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_broken_log_is_refused_in_words_and_changes_nothing(
    case: Broken, tmp_path: Path, world: World, now: datetime
) -> None:
    file = tmp_path / "log.csv"
    file.write_bytes(case.content)
    before = (Response.objects.count(), User.objects.count(), Course.objects.count())
    with pytest.raises(TutorError) as refused:
        attempt(file, now, case.log_format)
    for words in case.words:
        assert words in refused.value.message
    assert (Response.objects.count(), User.objects.count(), Course.objects.count()) == before


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbf" + of(GOOD), of(GOOD).replace(b"\n", b"\r\n"), gzip.compress(of(GOOD))],
    ids=["byte order mark", "CRLF", "gzip"],
)
def test_marks_line_ends_and_gzip_are_no_fault(
    content: bytes, tmp_path: Path, now: datetime
) -> None:
    file = tmp_path / "log.csv"
    file.write_bytes(content)
    attempt(file, now)
    assert Response.objects.count() == 1


CELLS = st.sampled_from(["ada", "1600000000", "1", "0", "", "p1", "nan", "-5", "1e400", '"', "é"])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.lists(CELLS, max_size=6).map(",".join), max_size=6),
    rest=st.binary(max_size=8),
)
def test_any_log_is_read_or_refused(
    rows: list[str], rest: bytes, tmp_path: Path, now: datetime
) -> None:
    file = tmp_path / "log.csv"
    file.write_bytes(CSV.encode() + "\n".join(rows).encode() + rest)
    try:
        history = history_read(file, options=HistoryOptions(), now=now)
    except TutorError as refused:
        assert refused.message  # noqa: PT017 - both ends are sound
    else:
        assert history.n_responses >= 0
