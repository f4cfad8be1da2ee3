"""Files that must be refused, each broken in one place, with where and what is then said."""

import base64
import io
import json
import random
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.tutor.content.bundle_case import bundle_make, put
from tutor.content.bundle_csv_write import csv_zip_write
from tutor.content.bundle_ndjson import ndjson_write
from tutor.content.bundles import canonical

CSV_NAMES = ("course.csv", "skills.csv", "steps.csv")


@dataclass(frozen=True)
class Broken:
    """`where` is the pointer of a row, or the file; `words` stand in its message."""

    name: str
    file: str
    make: Callable[[], bytes]
    where: str
    words: str
    expected: str = ""


def encoded(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def changed(pointer: str, value: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        bundle = bundle_make()
        put(bundle, pointer, value)
        return encoded(bundle)

    return make


def zipped(files: dict[str, bytes], *, links: tuple[str, ...] = ()) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if name in links:
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def tables() -> dict[str, bytes]:
    packed = csv_zip_write(canonical(bundle_make()))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def table_changed(name: str, old: bytes, new: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        files = tables()
        assert old in files[name], f"{old!r} is not in {name}"
        return zipped(files | {name: files[name].replace(old, new, 1)})

    return make


def lines_changed(number: int, line: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        lines = list(ndjson_write(canonical(bundle_make())))
        lines[number - 1] = line + b"\n"
        return b"".join(lines)

    return make


def raw(content: bytes) -> Callable[[], bytes]:
    return lambda: content


def twice(section: str) -> Callable[[], bytes]:
    bundle = bundle_make()
    return changed(f"/{section}/{len(bundle[section])}", bundle[section][0])


def encrypted() -> bytes:
    content = bytearray(zipped({"bundle.json": encoded(bundle_make())}))
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


MANIFEST = b"""<?xml version="1.0"?>
<manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"><resources>%s</resources></manifest>"""
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<questestinterop>&b;</questestinterop>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>
<questestinterop>&e;</questestinterop>"""
ESSAY_ONLY = b"""<questestinterop><assessment ident="a" title="A"><section><item ident="i">
<presentation><material><mattext>Write.</mattext></material><response_str ident="r">
<render_fib/></response_str></presentation></item></section></assessment></questestinterop>"""

FILES = [
    Broken("empty file", "c.json", raw(b""), "c.json", "is empty"),
    Broken("truncated JSON", "c.json", lambda: encoded(bundle_make())[:-9], "c.json", "line 1"),
    Broken("UTF-16", "c.json", lambda: json.dumps(bundle_make()).encode("utf-16"), "", "UTF-16"),
    Broken("Latin-1", "c.json", raw('{"course": "é"}'.encode("latin-1")), "c.json", "0xe9"),
    Broken("no JSON", "c.json", raw(b"hello"), "c.json", "line 1, column 1"),
    Broken("a number", "c.json", raw(b"7"), "c.json", "neither a bundle"),
    Broken("NaN", "c.json", raw(b'{"course": NaN}'), "c.json", "NaN is not a number"),
    Broken("endless number", "c.json", raw(b'{"course": 1e400}'), "c.json", "1e400 is larger"),
    Broken("a key twice", "c.json", raw(b'{"course": 1, "course": 2}'), "", "stands twice"),
    Broken("null character", "c.json", raw(b'{"course": "\\u0000"}'), "", "null character"),
    Broken("half a character", "c.json", raw(b'{"course": "\\udc00"}'), "", "half a character"),
    Broken("deep nesting", "c.json", raw(b"[" * 5000 + b"]" * 5000), "c.json", "nested"),
    Broken("deep object", "c.json", raw(b'{"a":' * 50 + b"1" + b"}" * 50), "", "nested"),
    Broken("no zip", "c.zip", raw(b"PK\x03\x04 and then nothing"), "c.zip", "not JSON"),
    Broken("cut zip", "c.zip", lambda: zipped({"bundle.json": b"{}"})[:-30], "c.zip", "not UTF-8"),
    Broken("zip of nothing", "c.zip", lambda: zipped({"a.txt": b"x"}), "c.zip", "holds neither"),
    Broken("zip bomb", "c.zip", lambda: zipped({"bundle.json": b"0" * 9_000_000}), "", "zip bomb"),
    Broken("zip password", "c.zip", encrypted, "c.zip", "without a password"),
    Broken("path out", "c.zip", lambda: zipped({"../bundle.json": b"{}"}), "", "leads out"),
    Broken("root path", "c.zip", lambda: zipped({"/etc/bundle.json": b"{}"}), "", "leads out"),
    Broken("drive path", "c.zip", lambda: zipped({"C:/bundle.json": b"{}"}), "", "leads out"),
    Broken(
        "link",
        "c.zip",
        lambda: zipped({"bundle.json": b"/etc/passwd"}, links=("bundle.json",)),
        "c.zip",
        "is a link",
    ),
    Broken("a list in the zip", "c.zip", lambda: zipped({"bundle.json": b"[]"}), "", "no object"),
]

BUNDLES = [
    Broken("wrong format", "c.json", changed("/format", "other"), "/format", "expected"),
    Broken("other version", "c.json", changed("/format_version", 9), "/format_version", "1"),
    Broken(
        "unknown key", "c.json", changed("/course/colour", "red"), "/course/colour", "not known"
    ),
    Broken("no title", "c.json", changed("/course/title", ...), "/course/title", "missing"),
    Broken("no skill", "c.json", changed("/skills", []), "/skills", "no skill"),
    Broken("skills are text", "c.json", changed("/skills", "add"), "/skills", "a list"),
    Broken("id with a space", "c.json", changed("/skills/0/id", "a b"), "/skills/0/id", "an id"),
    Broken("skill twice", "c.json", twice("skills"), "/skills/3/id", "stands already"),
    Broken("lesson twice", "c.json", twice("lessons"), "/lessons/2/id", "stands already"),
    Broken("problem twice", "c.json", twice("problems"), "/problems/3/id", "stands already"),
    Broken("picture twice", "c.json", twice("assets"), "/assets/1/id", "stands already"),
    Broken(
        "step twice",
        "c.json",
        changed("/problems/2/steps/0/id", "p-add-a"),
        "/problems/2/steps/0/id",
        "stands already",
    ),
    Broken(
        "unknown lesson", "c.json", changed("/problems/0/lesson", "x"), "/problems/0/lesson", "'x'"
    ),
    Broken(
        "unknown skill",
        "c.json",
        changed("/problems/2/steps/0/skills", ["x"]),
        "/problems/2/steps/0/skills/0",
        "no skill 'x'",
    ),
    Broken(
        "lesson of an unknown skill",
        "c.json",
        changed("/lessons/0/skills/0", "x"),
        "/lessons/0/skills/0",
        "no skill 'x'",
    ),
    Broken(
        "unknown end", "c.json", changed("/prerequisites/0/to", "x"), "/prerequisites/0/to", "'x'"
    ),
    Broken(
        "loop",
        "c.json",
        changed("/prerequisites/0/to", "add"),
        "/prerequisites/0/to",
        "both ends",
    ),
    Broken(
        "circle",
        "c.json",
        changed("/prerequisites/3", {"from": "times", "to": "add"}),
        "/prerequisites",
        "add -> carry -> times -> add",
    ),
    Broken(
        "edge twice",
        "c.json",
        changed("/prerequisites/3", {"from": "add", "to": "carry"}),
        "/prerequisites/3",
        "stands already",
    ),
    Broken(
        "weight", "c.json", changed("/prerequisites/0/weight", 2), "/prerequisites/0/weight", "1"
    ),
    Broken(
        "unknown picture",
        "c.json",
        changed("/problems/1/body", "![x](asset:y.gif)"),
        "/problems/1/body",
        "asset:y.gif",
    ),
    Broken(
        "answer that its checker rejects",
        "c.json",
        changed("/problems/2/steps/0/answer/value", "six"),
        "/problems/2/steps/0/answer/value",
        "cannot be graded",
    ),
    Broken(
        "empty answer",
        "c.json",
        changed("/problems/2/steps/0/answer", {"kind": "text", "accepted": []}),
        "/problems/2/steps/0/answer/accepted",
        "cannot be graded",
    ),
    Broken(
        "unknown answer kind",
        "c.json",
        changed("/problems/2/steps/0/answer/kind", "essay"),
        "/problems/2/steps/0/answer/kind",
        "one of number",
    ),
    Broken(
        "no answer",
        "c.json",
        changed("/problems/2/steps/0/answer", ...),
        "/problems/2/steps/0/answer",
        "missing",
    ),
    Broken(
        "right choice that is not there",
        "c.json",
        changed("/problems/1/steps/0/answer/correct", "z"),
        "/problems/1/steps/0/answer/correct",
        "cannot be graded",
    ),
    Broken(
        "choice id twice",
        "c.json",
        changed("/problems/1/steps/0/choices/0/id", "y"),
        "/problems/1/steps/0/choices/1/id",
        "stands twice",
    ),
    Broken(
        "hints in a circle",
        "c.json",
        changed("/problems/0/steps/0/hints/0/depends_on", ["s1"]),
        "/problems/0/steps/0/hints",
        "circle",
    ),
    Broken(
        "hint of an unknown hint",
        "c.json",
        changed("/problems/0/steps/0/hints/1/depends_on", ["h9"]),
        "/problems/0/steps/0/hints/1/depends_on/0",
        "h9",
    ),
    Broken(
        "scaffold without an answer",
        "c.json",
        changed("/problems/0/steps/0/hints/1/answer", ...),
        "/problems/0/steps/0/hints/1/answer",
        "no answer",
    ),
    Broken(
        "template",
        "c.json",
        changed("/problems/0/steps/0/prompt", "@{a +}"),
        "/problems/0/steps/0/prompt",
        "a +",
    ),
    Broken(
        "constraint that never holds",
        "c.json",
        changed("/problems/0/constraints", ["a > 100"]),
        "/problems/0/variables",
        "1000 draws",
    ),
    Broken(
        "a cell of 10 MB",
        "c.json",
        changed("/problems/2/body", "x" * 10_000_000),
        "/problems/2/body",
        "at most 50000 characters",
    ),
    Broken(
        "no base64", "c.json", changed("/assets/0/data", "!!"), "/assets/0/data", "is not base64"
    ),
    Broken(
        "no picture",
        "c.json",
        changed("/assets/0/data", base64.b64encode(b"<svg/>").decode()),
        "/assets/0/media_type",
        "no picture",
    ),
    Broken(
        "other checksum", "c.json", changed("/assets/0/sha256", "0" * 64), "/assets/0/sha256", "sum"
    ),
    Broken("no data", "c.json", changed("/assets/0/data", ...), "/assets/0/data", "no data"),
]

LINES = [
    Broken("broken line", "c.ndjson", lines_changed(3, b'{"skill": {'), "c.ndjson:3", "not JSON"),
    Broken("no course first", "c.ndjson", raw(b'{"skill": {}}\n'), "c.ndjson:1", "begin with"),
    Broken("unknown kind", "c.ndjson", lines_changed(4, b'{"quiz": {}}'), "c.ndjson:4", "no part"),
    Broken("a list", "c.ndjson", lines_changed(4, b"[1]"), "c.ndjson:4", "no part"),
    Broken(
        "skill without title",
        "c.ndjson",
        lines_changed(3, b'{"skill": {"id": "carry"}}'),
        "c.ndjson:3/skill/title",
        "missing",
    ),
    Broken("Latin-1 lines", "c.ndjson", raw(b'{"course": 1}\n\xe9'), "c.ndjson", "line 2: 0xe9"),
]

TABLES = [
    Broken(
        "unknown column",
        "c.zip",
        table_changed("skills.csv", b"description", b"colour"),
        "skills.csv:1/3",
        "'colour' is not known",
        "one of the columns id, title, description",
    ),
    Broken(
        "column twice",
        "c.zip",
        table_changed("skills.csv", b"description", b"title"),
        "skills.csv:1/3",
        "stands twice",
    ),
    Broken(
        "column missing",
        "c.zip",
        table_changed("steps.csv", b",problem,", b",prompt,"),
        "steps.csv:1",
        "'problem' is missing",
    ),
    Broken(
        "semicolons",
        "c.zip",
        table_changed("skills.csv", b"id,title,description", b"id;title;description"),
        "skills.csv:1/1",
        "not known",
    ),
    Broken(
        "a cell too many",
        "c.zip",
        table_changed("skills.csv", b"carry,Carry,", b"carry,Carry,,more"),
        "skills.csv:3",
        "4 cells",
    ),
    Broken(
        "open quotation mark",
        "c.zip",
        table_changed("skills.csv", b"carry,Carry", b'carry,"Carry'),
        "skills.csv:3",
        "cannot be read",
    ),
    Broken(
        "weight in words",
        "c.zip",
        table_changed("prerequisites.csv", b"0.5", b"half"),
        "prerequisites.csv:4/weight",
        "expected a number",
    ),
    Broken(
        "weight of no number",
        "c.zip",
        table_changed("prerequisites.csv", b"0.5", b"nan"),
        "prerequisites.csv:4/weight",
        "expected a number",
    ),
    Broken(
        "broken JSON cell",
        "c.zip",
        table_changed("problems.csv", b'[""a != b""]', b'[""a != b""'),
        "problems.csv:2/constraints",
        "expected JSON",
    ),
    Broken(
        "step of no problem",
        "c.zip",
        table_changed("steps.csv", b"p-times-a,p-times,", b"p-times-a,p-gone,"),
        "steps.csv:4/problem",
        "no problem 'p-gone'",
    ),
    Broken(
        "choice of no step",
        "c.zip",
        table_changed("choices.csv", b"x,p-carry-a", b"x,p-gone"),
        "choices.csv:2/step",
        "no step 'p-gone'",
    ),
    Broken(
        "answer twice",
        "c.zip",
        table_changed("steps.csv", b"number,'@{total},", b'number,\'@{total},"{""value"": 1}"'),
        "steps.csv:2/answer_more",
        "another cell already (value)",
    ),
    Broken(
        "answer that its checker rejects, by row",
        "c.zip",
        table_changed("steps.csv", b'"{""value"": 6}"', b'"{""value"": ""six""}"'),
        "steps.csv:4/answer/value",
        "cannot be graded",
    ),
    Broken(
        "a cell of 10 MB, by row",
        "c.zip",
        table_changed(
            "skills.csv",
            b"carry,Carry",
            b"carry," + random.Random(1).randbytes(5_000_000).hex().encode(),
        ),
        "skills.csv:3",
        "field larger than field limit",
    ),
    Broken(
        "null character in a cell",
        "c.zip",
        table_changed("skills.csv", b"Carry", b"Car\0ry"),
        "skills.csv:3/title",
        "null character",
    ),
    Broken(
        "table in Latin-1",
        "c.zip",
        table_changed("skills.csv", b"Carry", b"Carr\xe9"),
        "skills.csv",
        "line 3: 0xe9",
    ),
    Broken(
        "no course",
        "c.zip",
        table_changed("course.csv", b"adding", b""),
        "course.csv:2/id",
        "an id",
    ),
    Broken(
        "two courses",
        "c.zip",
        table_changed("course.csv", b"1,adding", b"1,other,Other,,en,,\r\n1,adding"),
        "course.csv:3",
        "second course",
    ),
]

QUIZZES = [
    Broken("no XML", "q.xml", raw(b"<questestinterop>"), "q.xml", "line 1"),
    Broken("other XML", "q.xml", raw(b"<html/>"), "q.xml", "expected QTI 1.2"),
    Broken("entities", "q.xml", raw(LAUGHS), "q.xml", "entities"),
    Broken("entity of a file", "q.xml", raw(OUTSIDE), "q.xml", "entities"),
    Broken("deep XML", "q.xml", raw(b"<a>" * 300 + b"</a>" * 300), "q.xml", "nested"),
    Broken(
        "unknown XML encoding", "q.xml", raw(b'<?xml version="1.0" encoding="x"?><a/>'), "", "x"
    ),
    Broken("only an essay", "q.xml", raw(ESSAY_ONLY), "q.xml", "an essay"),
    Broken(
        "empty package", "q.zip", lambda: zipped({"imsmanifest.xml": MANIFEST % b""}), "", "no q"
    ),
    Broken(
        "manifest with entities", "q.zip", lambda: zipped({"imsmanifest.xml": LAUGHS}), "", "entit"
    ),
    Broken(
        "QTI 3",
        "q.imscc",
        lambda: zipped(
            {"imsmanifest.xml": MANIFEST % b'<resource identifier="x" type="imsqti_item_xmlv3p0"/>'}
        ),
        "q.imscc",
        "QTI 3",
    ),
    Broken(
        "quiz that the package lacks",
        "q.zip",
        lambda: zipped(
            {
                "imsmanifest.xml": MANIFEST
                % b'<resource identifier="x" type="imsqti_xmlv1p2" href="../x.xml"/>'
            }
        ),
        "q.zip",
        "does not hold",
    ),
    Broken("GIFT of nothing", "q.gift", raw(b"// nothing\n"), "q.gift", "no question"),
    Broken("GIFT in Latin-1", "q.gift", raw(b"a\n\xe9{T}"), "q.gift", "line 2: 0xe9"),
    Broken("GIFT without an end", "q.gift", raw(b"How?{=so\n\nWhy?{"), "q.gift", "q.gift:1: the"),
    Broken("GIFT with null", "q.gift", raw(b"a{T}\nb\0"), "q.gift", "null character in line 2"),
    Broken("Aiken without ANSWER", "q.aiken", raw(b"Which?\nA) x\nB) y\n"), "q.aiken", "ANSWER"),
    Broken(
        "Aiken with another letter",
        "q.aiken",
        raw(b"Which?\nA) x\nB) y\nANSWER: C\n"),
        "q.aiken",
        "'C', expected one of its letters (A, B)",
    ),
]

CASES = [*FILES, *BUNDLES, *LINES, *TABLES, *QUIZZES]
