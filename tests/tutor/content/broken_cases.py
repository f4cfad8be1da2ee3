"""Files that must be refused, each broken in one place, with where and what is then said."""

import json

from tests.tutor.content.broken_bundles import BUNDLES, TABLES
from tests.tutor.content.broken_make import Broken, encoded, encrypted, lines_changed, raw, zipped
from tests.tutor.content.bundle_case import bundle_make

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
