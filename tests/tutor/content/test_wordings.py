"""What findings say can be said in other languages; what machines read stays as it is."""

import ast
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation import trans_real

from tests.tutor.content.bundle_case import bundle_make, put
from tutor.content.validation import bundle_check

ROOMS = Path(__file__).resolve().parents[3] / "tutor" / "content"
# The methods that take a finding, its sentence last.
TELLERS = {"error", "warning"}

GERMAN = {
    "There is no skill '{id}'.": "Es gibt keine Fähigkeit '{id}'.",
    "The key '{key}' is missing.": "Der Schlüssel '{key}' fehlt.",
    "The skill '{name}' has no step, so it can be neither practised nor traced.": (
        "Die Fähigkeit '{name}' hat keinen Schritt."
    ),
    "The skill id '{id}' stands already at {earlier}.": "'{id}' steht schon bei {earlier}.",
}


@pytest.fixture
def german(monkeypatch):
    """A language that has some of the sentences."""
    catalogue = trans_real.translation("de")
    for english, said in GERMAN.items():
        monkeypatch.setitem(catalogue._catalog._catalogs[0], english, said)
    with translation.override("de"):
        yield


def broken():
    bundle = bundle_make()
    put(bundle, "/problems/0/steps/0/skills/0", "nothing")
    del bundle["lessons"][1]["title"]
    bundle["skills"].append(bundle["skills"][0])
    return bundle


def test_findings_are_told_in_the_readers_language_and_kept_alike_for_machines(german):
    said = bundle_check(broken())
    with translation.override("en"):
        meant = bundle_check(broken())
    assert [(r.pointer, r.field, r.value, r.expected, r.severity) for r in said] == [
        (r.pointer, r.field, r.value, r.expected, r.severity) for r in meant
    ]
    assert {row.message for row in said} == {
        "Es gibt keine Fähigkeit 'nothing'.",
        "Der Schlüssel 'title' fehlt.",
        "'add' steht schon bei /skills/0.",
    }


def test_no_finding_is_told_by_a_sentence_that_cannot_be_translated():
    bare = []
    for path in ROOMS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr in TELLERS and len(node.args) == 4:
                text = node.args[3]
                # A reason that another room has told already is passed on as it is.
                if isinstance(text, ast.Constant) or (
                    isinstance(text, ast.JoinedStr) and len(text.values) > 2
                ):
                    bare.append(f"{path.name}:{node.lineno}")
    assert bare == []
