"""Importing response logs: checked first, the same twice adds nothing, history goes into states."""

import gzip
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from tests.world import World
from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.common.models import OutboxEntry
from tutor.common.outbox import outbox_take
from tutor.content.exporting import course_export
from tutor.content.graph import course_graph
from tutor.content.importing import course_import
from tutor.content.models import Course, CourseVersion, Step
from tutor.responses.exports import observations_export
from tutor.responses.models import Response
from tutor.roster.models import Enrolment
from tutor.tracing import history_import as history_import_module
from tutor.tracing.history_content import HistoryRefusedError, key_from
from tutor.tracing.history_import import history_import
from tutor.tracing.history_reading import HistoryOptions, history_read
from tutor.tracing.history_result import HistoryResult
from tutor.tracing.models import LearnerState
from tutor.tracing.services import states_verify

HEADER = "learner,timestamp,item,skill,correct"
# One learner with a step of two skills, another with the same step twice at different moments.
ROWS = [
    "8,1096470301,a1a,a,0",
    "8,1096470350,b1a,a,1",
    "8,1096470350,b1a,b,1",
    "9,1096470301,a1a,a,1",
    "9,1096556701,a1a,a,1",
]
INDEXED = ["8,0,a1a,a,0", "8,1,a1b,a,1", "8,1,a2a,a,1", "9,5,a1a,a,1"]


def log_write(
    folder: Path, rows: list[str], *, header: str = HEADER, name: str = "log.csv"
) -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def imported(path: Path, now: datetime, **more: object) -> HistoryResult:
    given: dict[str, object] = {"course_key": "sums", "is_dry_run": False} | more
    options = given.pop("options", HistoryOptions())
    history = history_read(path, options=options, now=now)  # type: ignore[arg-type]
    return history_import(history, by=None, now=now, **given)  # type: ignore[arg-type]


def replayed(now: datetime) -> None:
    for entry_id in OutboxEntry.objects.order_by("id").values_list("pk", flat=True):
        assert outbox_take(entry_id, now=now)


def test_a_log_becomes_responses_of_new_accounts(
    world: World, now: datetime, tmp_path: Path
) -> None:
    result = imported(log_write(tmp_path, ROWS), now)
    assert (result.n_responses, result.n_new, result.n_learners) == (4, 4, 2)
    responses = list(Response.objects.order_by("learner_id", "answered_at"))
    assert [response.is_correct for response in responses] == [False, True, True, True]
    assert responses[1].skill_ids == sorted([world.skills["a"].pk, world.skills["b"].pk])
    assert responses[0].answered_at == datetime(2004, 9, 29, 15, 5, 1, tzinfo=UTC)
    assert all(
        r.is_observation and r.kind == "answer" and r.source == "imported" for r in responses
    )
    assert all(r.recorded_at == now for r in responses)
    learner = responses[0].learner
    assert learner is not None
    assert learner.display_name == "Learner 8"
    assert learner.username.startswith("import-")
    assert not learner.has_usable_password()
    assert not Enrolment.objects.filter(learner=learner).exists()


def test_a_second_import_adds_nothing(world: World, now: datetime, tmp_path: Path) -> None:
    path = log_write(tmp_path, ROWS)
    imported(path, now)
    n_users = User.objects.count()
    OutboxEntry.objects.all().delete()
    again = imported(path, now + timedelta(days=1))
    assert (again.n_new, again.n_known, again.n_accounts_new) == (0, 4, 0)
    assert Response.objects.count() == 4
    assert User.objects.count() == n_users
    assert not OutboxEntry.objects.exists()


def test_a_longer_log_adds_what_is_new(world: World, now: datetime, tmp_path: Path) -> None:
    imported(log_write(tmp_path, ROWS[:4]), now)
    result = imported(log_write(tmp_path, ROWS), now)
    assert (result.n_new, result.n_known) == (1, 3)
    assert Response.objects.count() == 4


def test_a_dry_run_counts_and_writes_nothing(world: World, now: datetime, tmp_path: Path) -> None:
    imported(log_write(tmp_path, ROWS[:1]), now)
    before = (User.objects.count(), Response.objects.count())
    result = imported(log_write(tmp_path, ROWS), now, is_dry_run=True)
    assert (result.n_new, result.n_known, result.n_accounts_new) == (3, 1, 1)
    assert (User.objects.count(), Response.objects.count()) == before


def test_unknown_items_and_skills_are_listed_with_their_rows(
    world: World, now: datetime, tmp_path: Path
) -> None:
    rows = [*ROWS, "9,1096556801,zz,a,1", "9,1096556901,a2a,algebra,1"]
    with pytest.raises(HistoryRefusedError) as refusal:
        imported(log_write(tmp_path, rows), now)
    assert refusal.value.problems == (
        "Row 5 has the item 'zz', and the course has no step 'zz'.",
        "Row 6 has the skill 'algebra', which the course lacks.",
    )
    assert not Response.objects.exists()
    assert not User.objects.filter(username__startswith="import-").exists()


def test_content_is_made_as_skeletons_that_are_never_offered(
    world: World, now: datetime, tmp_path: Path
) -> None:
    offered = set(course_graph(world.course).step_of_key)
    rows = ["8,1096470301,Circle 1,Circle Graph,0", "8,1096470301,Circle 1,a,0"]
    result = imported(log_write(tmp_path, rows), now, is_creating_content=True)
    assert (result.n_skills_new, result.n_steps_new) == (1, 1)
    world.course.refresh_from_db()
    graph = course_graph(world.course)
    assert [skill.key for skill in graph.skills][-1] == "Circle-Graph"
    assert set(graph.step_of_key) == offered
    step = Step.objects.get(key="Circle-1")
    assert step.is_retired
    assert step.problem.is_retired
    assert {skill.key for skill in step.skills.all()} == {"a", "Circle-Graph"}
    version = CourseVersion.objects.get(course=world.course)
    assert version.number == world.course.version_number
    assert imported(log_write(tmp_path, rows), now).n_known == 1


def test_a_course_is_made_for_a_log_and_its_export_imports_again(
    db: None, now: datetime, tmp_path: Path
) -> None:
    imported(log_write(tmp_path, ROWS), now, course_key="old", is_creating_content=True)
    course = Course.objects.get(key="old")
    assert Response.objects.filter(course=course).count() == 4
    assert course_import(course_export(course), by=None, now=now, is_dry_run=True).is_no_op


def test_a_course_that_is_not_there_is_refused(db: None, now: datetime, tmp_path: Path) -> None:
    with pytest.raises(TutorError) as refusal:
        imported(log_write(tmp_path, ROWS), now)
    assert refusal.value.code == "unknown_course"


def test_order_indexes_never_become_times_unasked(
    world: World, now: datetime, tmp_path: Path
) -> None:
    path = log_write(tmp_path, INDEXED)
    start = datetime(2025, 9, 1, tzinfo=UTC)
    for options in (
        HistoryOptions(),
        HistoryOptions(start=start),
        HistoryOptions(time_unit="index"),
    ):
        with pytest.raises(TutorError) as refusal:
            imported(path, now, options=options)
        assert refusal.value.code == "no_times"
    for unit in ("days", "seconds"):
        with pytest.raises(TutorError) as refusal:
            imported(path, now, options=HistoryOptions(time_unit=unit))  # type: ignore[arg-type]
        assert refusal.value.code == "wrong_times"


def test_order_indexes_get_unit_times_from_a_start(
    world: World, now: datetime, tmp_path: Path
) -> None:
    start = datetime(2025, 9, 1, tzinfo=UTC)
    options = HistoryOptions(time_unit="index", start=start, index_minutes=2)
    imported(log_write(tmp_path, INDEXED), now, options=options)
    moments = Response.objects.order_by("id").values_list("answered_at", flat=True)
    later = start + timedelta(minutes=2)
    assert list(moments) == [start, later, later, start]


def test_times_after_now_are_refused(world: World, now: datetime, tmp_path: Path) -> None:
    with pytest.raises(TutorError, match="Row 1 would have been answered") as refusal:
        imported(log_write(tmp_path, [ROWS[0], "8,1990000000,a1a,a,1"]), now)
    assert refusal.value.code == "wrong_times"


def test_blank_skills_are_refused_dropped_or_unknown_by_choice(
    world: World, now: datetime, tmp_path: Path
) -> None:
    path = log_write(tmp_path, [*ROWS, "9,1096556801,a2a,,1"])
    with pytest.raises(TutorError, match=r"row 5.*blank skill"):
        imported(path, now)
    dropped = imported(path, now, options=HistoryOptions(blank_skill="drop"))
    assert dropped.n_new == 4
    assert any("1 rows with a blank skill" in note for note in dropped.notes)
    kept = imported(
        path, now, options=HistoryOptions(blank_skill="unknown"), is_creating_content=True
    )
    assert (kept.n_new, kept.n_skills_new) == (1, 1)


def test_a_log_without_items_has_a_step_for_each_skill(
    db: None, now: datetime, tmp_path: Path
) -> None:
    rows = ["8,1096470301,,7014,0", "8,1096470302,,7014,1", "8,1096470303,,7015,1"]
    imported(log_write(tmp_path, rows), now, course_key="old", is_creating_content=True)
    assert list(Step.objects.order_by("key").values_list("key", flat=True)) == [
        "any:7014",
        "any:7015",
    ]
    assert imported(log_write(tmp_path, rows), now, course_key="old").n_new == 0


def test_late_history_goes_into_the_states(world: World, now: datetime, tmp_path: Path) -> None:
    imported(log_write(tmp_path, ROWS[3:]), now)
    replayed(now)
    state = LearnerState.objects.get(learner__display_name="Learner 9")
    assert state.n_observations == 2
    earlier = "9,1096470000,a2a,a,0"
    later = now + timedelta(hours=1)
    result = imported(log_write(tmp_path, [earlier, *ROWS[3:]]), later)
    assert result.n_late == 1
    state.refresh_from_db()
    assert state.is_stale
    replayed(later)
    state.refresh_from_db()
    assert not state.is_stale
    assert state.n_observations == 3
    assert states_verify(world.course, now=later, is_repairing=False).differing_state_ids == ()


def test_learners_are_enrolled_only_where_a_class_is_named(
    world: World, now: datetime, tmp_path: Path
) -> None:
    path = log_write(tmp_path, ROWS)
    for expected in (2, 0):
        assert imported(path, now, classroom=world.classroom).n_enrolled == expected
    assert world.classroom.enrolments.filter(learner__username__startswith="import-").count() == 2


def test_the_same_learner_id_of_two_courses_is_two_people(
    world: World, now: datetime, tmp_path: Path
) -> None:
    path = log_write(tmp_path, ROWS)
    imported(path, now)
    imported(path, now, course_key="other", is_creating_content=True)
    assert User.objects.filter(display_name="Learner 8").count() == 2


def test_datashop_and_assistments_files_are_told_apart(
    db: None, now: datetime, tmp_path: Path
) -> None:
    datashop = log_write(
        tmp_path,
        [
            "s1\tP1\tS1\t2010-01-02 10:00:00\t1\tadding~~carrying",
            "s1\tP1\tS2\t2010-01-02 10:01:00\t0\tadding",
        ],
        header="Anon Student Id\tProblem Name\tStep Name\tStep Start Time"
        "\tCorrect First Attempt\tKC (Default)",
        name="steps.txt",
    )
    imported(
        datashop,
        now,
        course_key="shop",
        is_creating_content=True,
        options=HistoryOptions(log_format="datashop"),
    )
    rows = list(observations_export(Course.objects.get(key="shop")))
    assert [(row.item, len(row.skill_ids), row.is_correct) for row in rows] == [
        ("P1::S1", 2, True),
        ("P1::S2", 1, False),
    ]
    assistments = tmp_path / "a17.csv.gz"
    with gzip.open(assistments, "wt") as text:
        text.write("studentId,startTime,problemId,skill,correct\n8,1096470301,11,area,1\n")
    options = HistoryOptions(log_format="assistments")
    assert (
        imported(
            assistments, now, course_key="a17", is_creating_content=True, options=options
        ).n_new
        == 1
    )
    with pytest.raises(TutorError, match=r"the header .* is that of none of assistments2017"):
        imported(datashop, now, options=options)


@pytest.mark.parametrize(
    ("text", "key"), [("a1a", "a1a"), ("Circle Graph", "Circle-Graph"), ("P::S", "P::S")]
)
def test_ids_stay_where_they_can(text: str, key: str) -> None:
    assert key_from(text) == key


def test_long_ids_and_ids_without_a_letter_stay_apart() -> None:
    one, other = key_from("x" * 200), key_from("x" * 199 + "y")
    assert one != other
    assert len(one) <= 120
    assert key_from("???") != key_from("!!!")
    assert key_from("???")


def test_the_command_imports_says_so_and_lists_what_is_wrong(world: World, tmp_path: Path) -> None:
    path = log_write(tmp_path, ROWS)
    said = StringIO()
    call_command("import_responses", path, course="sums", stdout=said)
    assert "4 responses added, 0 there already" in said.getvalue()
    wrong = StringIO()
    bad = log_write(tmp_path, ["8,1096470301,zz,a,0"])
    with pytest.raises(CommandError, match="nothing was imported"):
        call_command("import_responses", bad, course="sums", stdout=wrong)
    assert "error: Row 0 has the item 'zz'" in wrong.getvalue()
    with pytest.raises(CommandError, match="is not a file"):
        call_command("import_responses", tmp_path / "none.csv", course="sums")
    with pytest.raises(CommandError, match="no class has the join code"):
        call_command("import_responses", path, course="sums", classroom="NONE")


def test_the_command_takes_order_indexes_by_name(world: World, tmp_path: Path) -> None:
    said = StringIO()
    call_command(
        "import_responses",
        log_write(tmp_path, INDEXED),
        "--course=sums",
        "--time-unit=index",
        "--start=2024-09-01",
        "--dry-run",
        stdout=said,
    )
    assert "2024-09-01 to 2024-09-01" in said.getvalue()
    assert "Nothing was written" in said.getvalue()


def test_a_real_log_keeps_every_response(
    db: None, now: datetime, data_dir: Path, tmp_path: Path
) -> None:
    source = data_dir / "data" / "assist2009.csv.gz"
    if not source.is_file():
        pytest.skip(f"no log at {source}")
    with gzip.open(source, "rt") as text:
        rows = [next(text).strip() for _ in range(2001)][1:]
    options = HistoryOptions(time_unit="index", start=datetime(2020, 1, 1, tzinfo=UTC))
    path = log_write(tmp_path, rows)
    result = imported(path, now, course_key="a09", is_creating_content=True, options=options)
    distinct = {tuple(row.split(",")[:3]) for row in rows}
    assert result.n_new == Response.objects.count() == len(distinct)


def test_the_command_takes_a_mapping_of_ids(world: World, tmp_path: Path) -> None:
    mapping = tmp_path / "ids.json"
    mapping.write_text('{"learners": {"8": "ada"}, "items": {"X": "a1a"}, "skills": {"K": "a"}}')
    log = log_write(tmp_path, ["8,1096470301,X,K,0"])
    out = StringIO()
    call_command("import_responses", log, "--course", "sums", "--mapping", mapping, stdout=out)
    assert "1 responses added" in out.getvalue()
    assert Response.objects.get().learner == world.ada


def test_the_command_refuses_a_mapping_that_is_none(world: World, tmp_path: Path) -> None:
    mapping = tmp_path / "ids.json"
    mapping.write_text('{"learners": {"8": "nobody"}}')
    log = log_write(tmp_path, ["8,1096470301,a1a,a,0"])
    with pytest.raises(CommandError, match="/learners/8 is 'nobody'"):
        call_command("import_responses", log, "--course", "sums", "--mapping", mapping)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_responses", log, "--course", "sums", "--mapping", tmp_path / "none")
    assert not Response.objects.exists()


def test_a_batch_that_found_the_database_locked_is_written_once(
    world: World, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []
    real = history_import_module.rows_insert

    def rows_insert(*args: Any, **options: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise OperationalError("database is locked")
        real(*args, **options)

    monkeypatch.setattr(history_import_module, "rows_insert", rows_insert)
    result = imported(log_write(tmp_path, ROWS), now)
    assert len(tries) == 2
    assert result.n_new == Response.objects.count()
