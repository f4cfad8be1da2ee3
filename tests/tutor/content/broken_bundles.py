"""Bundles and tables that must be refused, with where and what is then said."""

import base64
import random

from tests.tutor.content.broken_make import Broken, changed, table_changed, twice

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
