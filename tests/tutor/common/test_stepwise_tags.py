"""Pieces that every page shows alike."""

import pytest
from django.template import Context, Template
from django.utils.translation import override

from tutor.common.templatetags import stepwise


def drawn(source: str, **values: object) -> str:
    return Template("{% load stepwise %}" + source).render(Context(values))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0\u00a0%"),
        (0.125, "13\u00a0%"),
        (0.625, "63\u00a0%"),
        (1.2, "100\u00a0%"),
        (None, "–"),
    ],
)
def test_a_share_is_written_as_a_whole_percentage(value: float | None, text: str) -> None:
    assert stepwise.percent(value) == text


def test_a_belief_is_drawn_with_its_interval_and_said_in_words() -> None:
    page = drawn("{% belief_bar 0.5 0.25 0.75 n=4 before=0.4 gate=0.7 title='t' %}")
    assert 'x="25.00%"' in page
    assert 'width="50.00%"' in page
    assert 'cx="40.00%"' in page
    assert "probably between 25\u00a0% and 75\u00a0%" in page
    assert "from 4 answers" in page


def test_coordinates_keep_their_decimal_point_in_every_language() -> None:
    with override("de"):
        assert 'x="12.50%"' in drawn("{% belief_bar 0.125 0.125 0.875 %}")


def test_the_band_never_leaves_the_bar() -> None:
    assert 'width="100.00%"' in drawn("{% belief_bar 0.5 low 1.7 %}", low=-0.3)


@pytest.mark.parametrize("status", stepwise.STATUS_LABELS)
def test_each_status_has_a_shape_and_a_word(status: str) -> None:
    page = drawn("{% status_badge status %}", status=status)
    assert f"status-{status}" in page
    assert str(stepwise.STATUS_LABELS[status]) in page
    assert "<svg" in page


def test_an_unknown_status_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'half' is no status"):
        stepwise.status_badge("half")


def test_progress_shares_the_line_and_stands_an_empty_course() -> None:
    page = drawn("{% progress_line 1 2 4 %}")
    assert 'width="25.00%"' in page
    assert 'x="25.00%" width="50.00%"' in page
    assert 'width="0.00%"' in drawn("{% progress_line 0 0 0 %}")


@pytest.mark.parametrize(("place", "text"), [(0, "A"), (25, "Z"), (26, "27")])
def test_choices_are_lettered(place: int, text: str) -> None:
    assert stepwise.letter(place) == text


def test_a_first_impression_is_drawn_without_its_number() -> None:
    page = drawn("{% belief_bar 0.5 0.25 0.75 n=1 before=0.4 is_early=True %}")
    assert "50\u00a0%" not in page
    assert "probably between 25\u00a0% and 75\u00a0%" in page
    assert 'x="50.00%"' in page
    assert 'cx="40.00%"' in page
