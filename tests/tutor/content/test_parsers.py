"""No input makes a reader or a check raise anything but what it lists."""

import io
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tutor.content.broken_cases import MANIFEST
from tests.tutor.content.broken_make import tables, zipped
from tests.tutor.content.bundle_case import bundle_make
from tutor.common.errors import TutorError
from tutor.content.bundle_ndjson import ndjson_write
from tutor.content.bundles import canonical, json_canonical
from tutor.content.decoding import json_read
from tutor.content.errors import ContentUnreadableError, ImportRefusedError, errors_of
from tutor.content.findings import Findings
from tutor.content.formats import content_read
from tutor.content.graphs import edges_read
from tutor.content.html_text import html_convert
from tutor.content.oatutor import oatutor_read
from tutor.content.origins import Origin
from tutor.content.quizzes import Unsupported
from tutor.content.text import text_render
from tutor.content.validation import bundle_check

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "kind", "steps", "answer", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [
        "c.json",
        "c.zip",
        "c.ndjson",
        "q.gift",
        "q.txt",
        "q.aiken",
        "q.xml",
        "q.imscc",
        "request",
        "é",
    ]
)
STARTS = st.sampled_from(
    [b"", b"\xef\xbb\xbf", b"PK\x03\x04", b"{", b"[", b"<?xml?>", b"A) x\nANSWER: A", b"::a::b{T}"]
)


@settings(max_examples=150, deadline=None)
@given(NAMES, STARTS, st.binary(max_size=60))
def test_any_bytes_under_any_name_are_read_or_refused(name, start, rest):
    try:
        content = content_read(io.BytesIO(start + rest), name=name)
    except (ContentUnreadableError, ImportRefusedError) as refused:
        assert refused.message  # noqa: PT017 - both ends are sound
    else:
        assert content.format


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_json_reads_back_and_is_written_in_one_way(document):
    raw = json.dumps(document).encode()
    try:
        read = json_read(raw, name="f")
    except ContentUnreadableError:
        # A null character, or half a character: nothing that a database keeps.
        assert b"\\u" in raw
        return
    assert read == document
    assert json_read(json_canonical(read), name="f") == document


def spots(node, path=()):
    """Every place in a document."""
    yield path
    if isinstance(node, dict):
        for key, child in node.items():
            yield from spots(child, (*path, key))
    elif isinstance(node, list):
        for at, child in enumerate(node):
            yield from spots(child, (*path, at))


SPOTS = [path for path in spots(bundle_make()) if path]


def broken(changes):
    bundle = bundle_make()
    for path, value, is_gone in changes:
        node = bundle
        try:
            for part in path[:-1]:
                node = node[part]
            if is_gone:
                del node[path[-1]]
            else:
                node[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    return bundle


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(SPOTS), JSON, st.booleans()), min_size=1, max_size=3))
def test_any_change_to_a_bundle_is_listed_or_goes_through_whole(changes):
    bundle = broken(changes)
    rows = bundle_check(bundle)
    for row in rows:
        assert row.message
        assert len(row.value) <= 200
    if not errors_of(rows):
        form = canonical(bundle)
        assert canonical(form) == form
        assert errors_of(bundle_check(form)) == ()


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(name for name in tables() if name.endswith(".csv"))),
    st.integers(0, 10_000),
    st.integers(0, 20),
    st.sampled_from([b"", b",", b'"', b"\n", b"\0", b"\xff", b"id", b"{", b"'", b"=1", b"\r"]),
)
def test_any_change_to_a_table_is_listed_or_read(name, at, length, put_in):
    files = tables()
    at %= len(files[name])
    files[name] = files[name][:at] + put_in + files[name][at + length :]
    content = content_read(io.BytesIO(zipped(files)), name="c.zip")
    places = {*files, *(f"{file}:" for file in files)}
    for row in content.origin.located((*content.origin.rows, *bundle_check(content.document))):
        assert row.message
        assert row.pointer.startswith(("/", *places))


LINES = [line.rstrip(b"\n") for line in ndjson_write(canonical(bundle_make()))]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(LINES)
        | JSON.map(lambda document: json.dumps(document).encode())
        | st.binary(max_size=10),
        max_size=8,
    )
)
def test_any_lines_are_listed_or_read(lines):
    raw = b"\n".join(lines)
    try:
        content = content_read(io.BytesIO(raw or b"\n"), name="c.ndjson")
    except (ContentUnreadableError, ImportRefusedError):
        return
    for row in (*content.origin.rows, *bundle_check(content.document)):
        assert row.message


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("coursePlans.json", "skillModel.json", "content-pool/p1/p1.json"),
                *("content-pool/p1/steps/p1a/p1a.json", "content-pool/p1/figures/f.gif"),
                "content-pool/p1/steps/p1a/tutoring/p1aDefaultPathway.json",
            ]
        ),
        JSON
        | st.sampled_from(
            [
                [{"courseName": "C", "lessons": [{"id": "l", "learningObjectives": {"s": 1}}]}],
                {"p1a": ["s"]},
                {"lessonId": "l", "title": "T", "body": "B"},
                {"stepAnswer": ["$$7$$"], "problemType": "TextBox"},
                {"stepAnswer": ["a"], "problemType": "MultipleChoice", "choices": ["a", "b"]},
                [{"id": "h1", "type": "hint", "text": "T", "dependencies": ["h2"]}],
            ]
        ),
    )
)
def test_any_pool_of_oatutor_is_converted_or_refused(files):
    try:
        bundle, _ = oatutor_read(Pool({k: json.dumps(v).encode() for k, v in files.items()}))
    except ContentUnreadableError:
        return
    assert all(row.message for row in bundle_check(bundle))


class Pool:
    """Files in memory."""

    def __init__(self, files):
        self.files = files
        self.names = tuple(sorted(files))

    def read(self, name):
        return self.files[name]


@settings(max_examples=100, deadline=None)
@given(st.fixed_dictionaries({"nodes": JSON | st.lists(JSON), "edges": JSON | st.lists(JSON)}))
def test_any_graph_is_read_or_listed(document):
    findings = Findings()
    edges = edges_read(document, findings)
    assert all(isinstance(end, str) for edge in edges for end in edge)
    assert all(row.message for row in findings.rows())


TAGS = st.sampled_from(
    [
        *("<p>", "</p>", "<b>", "</b>", "<br>", "<ul>", "<li>", "</ul>", "<table>", "<tr>", "<td>"),
        *("</table>", "<img src=x>", "<a href='https://a.b'>", "</a>", "<sub>", "</sub>", "<pre>"),
        *("<script>", "</script>", "<![x", "<!--", "&lt;", "&", "<", "$$", "\\(", "\\)", "$", "*"),
        *("`", "- ", "1. ", "# ", "@{x}", "\n", "\ue0001\ue001", "<math>", "<iframe src=x>"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TAGS | st.text(max_size=6), max_size=25).map("".join))
def test_any_html_becomes_markdown_that_runs_nothing(source):
    lost = []
    text = html_convert(source, picture=lambda name: None, lose=lost.append)
    shown = text_render(text)
    for mark in ("<script", "<iframe", "<img", "javascript:", "onerror="):
        assert mark not in shown.lower()
    assert "@{" not in text.replace("@@{", "")


@pytest.mark.parametrize("mark", ["<a", "<!--", "\\(", "$$", "<b>", "</", "<ul><li>", "<a href='"])
def test_html_that_repeats_itself_takes_no_time_to_speak_of(mark):
    source = mark * (20_000 // len(mark))
    started = time.process_time()
    html_convert(source, picture=lambda name: None, lose=lambda what: None)
    assert time.process_time() - started < 5


def test_a_text_that_is_too_long_is_not_looked_into():
    with pytest.raises(Unsupported, match="at most 50000"):
        html_convert("<a" * 25_001, picture=lambda name: None, lose=lambda what: None)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80), st.booleans())
def test_any_manifest_is_refused_in_words(raw, is_wrapped):
    packed = zipped({"imsmanifest.xml": MANIFEST % raw if is_wrapped else raw})
    with pytest.raises(TutorError) as refused:
        content_read(io.BytesIO(packed), name="q.zip")
    assert refused.value.message


def test_places_are_those_of_the_smallest_part_around_a_pointer():
    origin = Origin({"/problems/3": "a.csv:2", "/problems/3/steps/0": "b.csv:9"})
    assert origin.place_of("/problems/3/steps/0/answer") == "b.csv:9/answer"
    assert origin.place_of("/problems/3/steps/1") == "a.csv:2/steps/1"
    assert origin.place_of("/problems/31") == "/problems/31"
    assert origin.place_of("") == ""
