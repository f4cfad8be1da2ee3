"""Worked examples with gaps: what belongs in the boxes, checked, kept and carried along."""

import io

import pytest

from tests.tutor.content.bundle_case import at, bundle_make
from tutor.content.bundles import canonical
from tutor.content.exporting import ExportForm, bundle_write
from tutor.content.formats import content_read
from tutor.content.gaps import gaps_count, steps_filled
from tutor.content.validation import bundle_check

EXAMPLE = "/lessons/1/worked_examples/0"
STEPS = [r"$2 \times 3 = \square$", "Now halve it.", r"$\square \div 2$ gives $\square$."]


def _bundle(**changes):
    bundle = bundle_make()
    at(bundle, EXAMPLE).update({"steps": STEPS, "gaps": ["6", "6", "3"], **changes})
    return bundle


def test_boxes_are_counted_over_all_steps():
    assert gaps_count(STEPS) == 3
    assert gaps_count([]) == 0


def test_each_box_is_filled_in_order_and_a_step_without_one_stays_empty():
    assert steps_filled(STEPS, ["6", "6", "3"]) == (
        r"$2 \times 3 = \boxed{6}$",
        "",
        r"$\boxed{6} \div 2$ gives $\boxed{3}$.",
    )


def test_a_box_without_a_gap_stays_a_box():
    assert steps_filled(STEPS, ["6"])[2] == r"$\square \div 2$ gives $\square$."


def test_a_bundle_with_gaps_has_nothing_said_against_it():
    assert bundle_check(_bundle(closing="Half of six.")) == bundle_check(bundle_make())


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"gaps": ["6", "3"]}, f"{EXAMPLE}/gaps", "3 boxes"),
        ({"steps": ["Six."]}, f"{EXAMPLE}/gaps", "0 boxes"),
        ({"gaps": ["6", r"\nothing{", "3"]}, f"{EXAMPLE}/steps/2", "boxed"),
        ({"gaps": ["6", "", "3"]}, f"{EXAMPLE}/gaps/1", "not empty"),
        ({"gaps": "6, 6, 3"}, f"{EXAMPLE}/gaps", "list"),
        ({"closing": r"$\nothing$"}, f"{EXAMPLE}/closing", "nothing"),
    ],
)
def test_what_does_not_fit_is_told_where_it_stands(changes, pointer, words):
    told = [row for row in bundle_check(_bundle(**changes)) if row.pointer == pointer]
    assert told, bundle_check(_bundle(**changes))
    assert any(words in row.message for row in told), told


def test_an_example_without_gaps_stays_as_it_was():
    (example,) = at(canonical(bundle_make()), "/lessons/1/worked_examples")
    assert set(example) == {"title", "body", "steps"}


@pytest.mark.parametrize("form", list(ExportForm))
def test_gaps_survive_every_form_of_a_bundle(form):
    bundle = canonical(_bundle(closing="Half of six."))
    packed = b"".join(bundle_write(bundle, form))
    read = content_read(io.BytesIO(packed), name=f"c{form.suffix}")
    assert at(canonical(read.document), EXAMPLE) == at(bundle, EXAMPLE)
