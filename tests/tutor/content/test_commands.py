import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.tutor.content.bundle_case import bundle_make, put
from tutor.content.bundles import canonical
from tutor.content.models import Course

pytestmark = pytest.mark.django_db


@pytest.fixture
def write(tmp_path):
    def make(document, name="course.json"):
        file = tmp_path / name
        file.write_text(json.dumps(document))
        return str(file)

    return make


def run(*arguments, **options):
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err, **options)
    return out.getvalue()


def test_a_course_is_imported_with_a_table_of_counts(write):
    said = run("import_course", write(bundle_make()))
    assert "Imported Sums (adding) as version 1." in said
    (line,) = [line for line in said.splitlines() if line.startswith("problems")]
    assert line.split() == ["problems", "3", "-", "-", "-"]


def test_a_second_import_says_that_nothing_changes(write):
    file = write(bundle_make())
    run("import_course", file)
    assert "Nothing to change" in run("import_course", file)


def test_a_dry_run_writes_nothing(write):
    assert "Dry run" in run("import_course", write(bundle_make()), dry_run=True)
    assert not Course.objects.exists()


def test_a_refusal_lists_every_error_with_its_place_and_fails(write):
    bundle = bundle_make()
    put(bundle, "/problems/1/lesson", "gone")
    put(bundle, "/skills/0/title", 7)
    out = StringIO()
    with pytest.raises(CommandError, match="2 errors; nothing was imported") as refused:
        call_command("import_course", write(bundle), stdout=out)
    assert refused.value.returncode == 1
    assert "error: /skills/0/title:" in out.getvalue()
    assert "error: /problems/1/lesson: There is no lesson 'gone'. [value: gone]" in out.getvalue()


def test_changes_are_named(write):
    run("import_course", write(bundle_make()))
    bundle = bundle_make()
    put(bundle, "/skills/0/title", "Sum up")
    assert "changed skill add: title" in run("import_course", write(bundle))


def test_a_graph_goes_to_the_course_named(write):
    run("import_course", write(bundle_make()))
    nodes = [{"id": "add"}, {"id": "times"}]
    graph = write({"nodes": nodes, "edges": [{"from": "add", "to": "times"}]}, "graph.json")
    with pytest.raises(CommandError, match="needs a course"):
        run("import_course", graph)
    with pytest.raises(CommandError, match="no course 'nope'; there are: adding"):
        run("import_course", graph, course="nope")
    assert "version 2" in run("import_course", graph, course="adding")


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "not JSON"), ("{}", "neither a bundle"), ("", "is empty")],
)
def test_files_that_cannot_be_read_are_refused_in_words(tmp_path, content, words):
    file = tmp_path / "x.json"
    file.write_text(content)
    with pytest.raises(CommandError, match=words):
        run("import_course", str(file))


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(CommandError, match=r"'nothing\.json' could not be opened"):
        run("import_course", "/nowhere/nothing.json")


def test_a_format_that_is_not_the_files_is_refused(write):
    with pytest.raises(CommandError, match="said to be 'graph', but it is 'bundle'"):
        run("import_course", write(bundle_make()), format="graph")


def test_export_writes_what_import_reads(write, tmp_path):
    run("import_course", write(bundle_make()))
    assert json.loads(run("export_course", "adding")) == canonical(bundle_make())
    file = tmp_path / "out.json"
    run("export_course", "adding", str(file))
    assert "Nothing to change" in run("import_course", str(file))
    with pytest.raises(CommandError, match="no course 'nope'"):
        run("export_course", "nope")
