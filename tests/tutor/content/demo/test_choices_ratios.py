"""The part from ratios to percentage change: choices, orders and pairs worked out again.

As in test_answers_ratios.py, only what a learner reads is looked at.
"""

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
import sympy

from tests.tutor.content.demo.ratios_case import drawn, seen, text_shown, variants

Numbers = Sequence[Fraction]


def _ratio(text: str) -> Fraction:
    """The quotient of a ratio's two numbers, or of a picture's shaded and other parts."""
    numbers = seen(text)
    if "parts=" in text:
        return numbers[1] / (numbers[0] - numbers[1])
    return numbers[0] / numbers[1] if len(numbers) == 2 else numbers[0]


def _percentage(text: str) -> Fraction:
    """A share in per cent: written so, as a decimal, as a fraction, or as a picture."""
    numbers = seen(text)
    if "parts=" in text:
        return 100 * numbers[1] / numbers[0]
    return numbers[0] if "%" in text else 100 * numbers[0]


def _product(text: str) -> Fraction:
    """A sum of products of decimals, worked out."""
    plain = text.replace("$", "").replace(r"\times", "*")
    value = sympy.sympify(plain, rational=True)
    return Fraction(int(value.p), int(value.q))


RIGHT_CHOICES: dict[str, Callable[[Numbers, str], bool]] = {
    "ratio-choose-picture-a": lambda n, c: _ratio(c) == n[0] / n[1],
    "equivalent-ratios-same-colour-a": lambda n, c: _ratio(c) == n[0] / n[1],
    "proportion-choose-graph-a": lambda n, c: drawn(c)[1] == 0,
    "percent-choose-picture-a": lambda n, c: _percentage(c) == n[0],
    "percent-change-which-calculations-a": lambda n, c: _product(c) == n[0] * (1 + n[1] / 100),
}


def _correct(step: dict[str, Any]) -> set[str]:
    correct = step["answer"]["correct"]
    return {correct} if isinstance(correct, str) else set(correct)


@pytest.mark.parametrize("step_id", RIGHT_CHOICES)
def test_just_the_right_choices_count_as_right(step_id: str) -> None:
    for variant, step in variants(step_id):
        numbers = seen(text_shown(variant, step))
        right = {c["id"] for c in step["choices"] if RIGHT_CHOICES[step_id](numbers, c["text"])}
        assert right == _correct(step), step


SIZES: dict[str, Callable[[str], Fraction]] = {
    "equivalent-ratios-in-order-a": _ratio,
    "decimals-as-fractions-in-order-a": lambda text: seen(text)[0],
    "percent-in-order-a": _percentage,
}


@pytest.mark.parametrize("step_id", SIZES)
def test_an_ordering_is_by_size(step_id: str) -> None:
    for _, step in variants(step_id):
        values = {choice["id"]: SIZES[step_id](choice["text"]) for choice in step["choices"]}
        assert step["answer"]["correct"] == sorted(values, key=values.__getitem__)
        assert len(set(values.values())) == len(values)


BEST: dict[str, Callable[[str], Fraction]] = {
    "unit-rate-best-buy-a": lambda text: -seen(text)[1] / seen(text)[0],
    "decimals-as-fractions-largest-a": lambda text: seen(text)[0],
    "scale-larger-a": lambda text: -seen(text)[1],
}


@pytest.mark.parametrize("step_id", BEST)
def test_the_best_choice_is_the_right_one(step_id: str) -> None:
    for _, step in variants(step_id):
        values = {c["id"]: BEST[step_id](c["text"]) for c in step["choices"] if seen(c["text"])}
        best = max(values.values())
        assert {id_ for id_ in values if values[id_] == best} == _correct(step)


def _metres(text: str) -> Fraction:
    return seen(text)[0] * (1000 if "km" in text else 1)


def _flowers(text: str, tulips: Fraction, roses: Fraction) -> bool:
    """Whether a sentence about a bunch is true."""
    numbers, everything = seen(text), tulips + roses
    if "of the flowers are tulips" in text:
        return numbers[0] == tulips / everything
    amounts = {"tulips": tulips, "roses": roses, "all flowers": everything}
    first, second = re.findall("tulips|roses|all flowers", text)
    return numbers == [amounts[first], amounts[second]]


def test_the_sentences_about_the_flowers_that_count_as_true_are() -> None:
    for variant, step in variants("ratio-true-a"):
        tulips, roses = seen(variant["body"])
        true = {c["id"] for c in step["choices"] if _flowers(c["text"], tulips, roses)}
        assert true == _correct(step)


def test_the_pens_are_matched_with_their_ratios() -> None:
    for variant, step in variants("ratio-match-a"):
        red, blue = seen(variant["body"])
        amounts = {"red pens": red, "blue pens": blue, "all pens": red + blue}
        texts = {choice["id"]: seen(choice["text"]) for choice in step["choices"]}
        for line in step["answer"]["left"]:
            wanted = [amounts[words] for words in line["text"].split(" to ")]
            partners = [id_ for id_, numbers in texts.items() if numbers == wanted]
            assert partners == [step["answer"]["correct"][line["id"]]]


def test_each_fraction_has_just_one_decimal() -> None:
    for _, step in variants("decimals-as-fractions-match-a"):
        for line in step["answer"]["left"]:
            partners = [c["id"] for c in step["choices"] if seen(c["text"]) == seen(line["text"])]
            assert partners == [step["answer"]["correct"][line["id"]]], step


def test_each_scale_stands_for_just_one_length() -> None:
    for _, step in variants("scale-match-a"):
        (length_cm,) = seen(step["prompt"])
        for line in step["answer"]["left"]:
            real = length_cm * seen(line["text"])[1] / 100
            partners = [c["id"] for c in step["choices"] if _metres(c["text"]) == real]
            assert partners == [step["answer"]["correct"][line["id"]]], step


def test_each_change_has_just_one_factor() -> None:
    for _, step in variants("percent-change-factor-a"):
        for line in step["answer"]["left"]:
            share = seen(line["text"])[0] / 100
            sign = 1 if "rises" in line["text"] else -1
            factor = share if "**to**" in line["text"] else 1 + sign * share
            partners = [c["id"] for c in step["choices"] if seen(c["text"])[0] == factor]
            assert partners == [step["answer"]["correct"][line["id"]]], step


def test_the_division_leads_to_the_unit_that_is_asked_for() -> None:
    for variant, step in variants("unit-rate-which-division-a"):
        kilograms, euros = seen(variant["body"])
        wanted = (
            [euros, kilograms] if "euros per kilogram" in step["prompt"] else [kilograms, euros]
        )
        right = {
            c["id"] for c in step["choices"] if r"\div" in c["text"] and seen(c["text"]) == wanted
        }
        assert right == _correct(step)


def test_just_one_column_of_the_table_does_not_fit_and_it_is_the_right_choice() -> None:
    for variant, step in variants("proportion-odd-column-a"):
        numbers = seen(variant["body"])
        rates = {
            hours: litres / hours for hours, litres in zip(numbers[:4], numbers[4:], strict=True)
        }
        (odd,) = [h for h, rate in rates.items() if list(rates.values()).count(rate) == 1]
        assert {c["id"] for c in step["choices"] if seen(c["text"])[0] == odd} == _correct(step)
        assert {seen(c["text"])[0] for c in step["choices"]} == set(rates)


def test_a_percentage_becomes_its_decimal() -> None:
    for _, step in variants("percent-to-decimal-a"):
        (percentage,) = seen(step["prompt"])
        for accepted in step["answer"]["accepted"]:
            assert Fraction(accepted.replace(",", ".")) == percentage / 100


def test_iva_did_better_with_fewer_right_answers() -> None:
    for variant, _ in variants("percent-quiz-b"):
        right, of, more, of_more = seen(variant["body"])
        assert right < more
        assert right / of > more / of_more


def test_there_and_back_ends_below_the_start() -> None:
    for variant, step in variants("percent-change-there-and-back-a"):
        price, up, down = seen(variant["body"])
        assert price * (1 + up / 100) * (1 - down / 100) < price
        assert _correct(step) == {"less"}


def test_the_two_percentages_of_nuts_are_equal() -> None:
    for _, step in variants("percent-of-amount-which-more-a"):
        one, of_one, other, of_other = seen(step["prompt"])
        assert one * of_one == other * of_other


def test_the_drink_with_two_more_cups_is_stronger() -> None:
    for variant, _ in variants("equivalent-ratios-two-more-a"):
        syrup, water, more_syrup, more_water = seen(variant["body"])
        assert (syrup + more_syrup) / (water + more_water) > syrup / water


def test_wrong_working_that_is_shown_is_really_wrong() -> None:
    for variant, _ in variants("share-in-ratio-mistake-a"):
        nuts, one, other, *working = seen(variant["body"])
        assert working[2] + working[5] != nuts
        assert (working[2], working[5]) == (nuts / one, nuts / other)
    for variant, _ in variants("proportion-mistake-a"):
        goats, bags, more, _two, claimed = seen(variant["body"])
        assert bags / goats * more != claimed
    for variant, _ in variants("percent-of-amount-mistake-a"):
        percentage, amount, _n, _p, claimed = seen(variant["body"])
        assert amount * percentage / 100 != claimed == amount / percentage
    for variant, _ in variants("decimals-as-fractions-mistake-a"):
        first, second, *_rest = seen(variant["body"])
        assert first < second
    for variant, _ in variants("ratio-mistake-a"):
        flour, milk, first, second = seen(variant["body"])
        assert (first, second) == (flour, milk)
        assert flour != milk


def test_of_five_percent_to_all_apartments_every_step_follows_from_the_one_before() -> None:
    for variant, step in variants("percent-of-amount-steps-a"):
        _, free = seen(variant["body"])
        texts = {choice["id"]: seen(choice["text"]) for choice in step["choices"]}
        five, one, hundred, rest = (texts[id_] for id_ in step["answer"]["correct"])
        assert five == [5, free]
        assert one[-1] == free / 5
        assert hundred[-1] == 100 * one[-1]
        assert rest[-1] == hundred[-1] - free


def test_the_steps_of_sharing_follow_from_each_other() -> None:
    for variant, step in variants("share-in-ratio-steps-a"):
        marbles, one, other = seen(variant["body"])
        texts = {choice["id"]: seen(choice["text"]) for choice in step["choices"]}
        add, divide, multiply, check = (texts[id_] for id_ in step["answer"]["correct"])
        assert add == [one, other, one + other]
        assert divide == [marbles, one + other, marbles / (one + other)]
        assert multiply == [one, divide[-1], one * divide[-1]]
        assert check == [multiply[-1], marbles - multiply[-1], marbles]
