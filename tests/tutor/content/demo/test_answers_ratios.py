"""The part from ratios to percentage change: answers worked out again from what a learner reads.

Nothing here looks at a template or its variables: the numbers are read off the rendered text and
pictures, and the answer is computed in another way than the author did.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, cast

import pytest
import sympy

from tutor.content.demo.assemble import demo_bundle
from tutor.grading.variants import document_render

SEEDS = range(25)
BUNDLE = demo_bundle()
LESSONS = {lesson["id"] for lesson in BUNDLE["lessons"] if 200 <= lesson["order"] < 300}
PROBLEMS = {p["id"]: p for p in BUNDLE["problems"] if p["lesson"] in LESSONS}
WORKED_OUT = {"number", "fraction", "tuple", "list", "expression", "interval"}
_NUMBER = re.compile(
    r"\\frac\{(?:(?P<top>\d+)|\\square)\}\{(?P<bottom>\d+)\}"
    r"|(?P<over>\d+)/(?P<under>\d+)"
    r"|(?P<grouped>\d{1,3}(?:(?:\{,\}|,)\d{3})+)|(?P<alone>\d+(?:\.\d+)?)"
)

Answer = Fraction | tuple[Fraction, ...]
Numbers = Sequence[Fraction]
Expected = Callable[[Numbers, str], Answer]


def seen(text: str) -> list[Fraction]:
    """The numbers of a text in reading order; of a fraction with a box, the bottom number."""
    bare = re.sub(r'label="[^"]*"|like this: [\d, ]+|for example: \S+', "", text)
    found = []
    for match in _NUMBER.finditer(bare):
        if match["bottom"]:
            bottom = int(match["bottom"])
            found.append(Fraction(int(match["top"]), bottom) if match["top"] else Fraction(bottom))
        elif match["over"]:
            found.append(Fraction(int(match["over"]), int(match["under"])))
        elif match["grouped"]:
            found.append(Fraction(re.sub(r"\D", "", match["grouped"])))
        else:
            found.append(Fraction(match["alone"]))
    return found


def _pair(value: Fraction) -> Answer:
    return Fraction(value.numerator), Fraction(value.denominator)


def _share(n: Numbers, which: int) -> Fraction:
    """The share of the first or second in an amount n[0], counted out part by part."""
    part = n[0] / sum(n[1:3])
    return sum([part] * int(n[1 + which]), Fraction(0))


def _slope(n: Numbers, _: str) -> Answer:
    (slope,) = {y / x for x, y in zip(n[:3], n[3:], strict=True)}
    return slope


EXPECTED: dict[str, Expected] = {
    "ratio-write-a": lambda n, t: (n[0], n[1]) if "red to green" in t else (n[1], n[0]),
    "ratio-fraction-a": lambda n, t: n[0] / (n[0] + n[1]),
    "equivalent-ratios-missing-a": lambda n, t: n[2] * n[0] / n[1],
    "equivalent-ratios-simplest-a": lambda n, t: _pair(n[0] / n[1]),
    "equivalent-ratios-units-a": lambda n, t: _pair(n[0] / 100 / n[1]),
    "equivalent-ratios-table-a": lambda n, t: (n[1] * n[2] / n[0], n[3] * n[0] / n[2]),
    "share-in-ratio-guided-a": lambda n, t: n[1] + n[2],
    "share-in-ratio-guided-b": lambda n, t: n[0] / (n[1] + n[2]),
    "share-in-ratio-guided-c": lambda n, t: _share(n, 0),
    "share-in-ratio-both-a": lambda n, t: (_share(n, 0), _share(n, 1)),
    "share-in-ratio-one-known-a": lambda n, t: n[2] * n[1] / n[0],
    "share-in-ratio-difference-a": lambda n, t: n[2] * (n[0] + n[1]) / (n[1] - n[0]),
    "unit-rate-price-a": lambda n, t: n[1] / n[0],
    "unit-rate-speed-a": lambda n, t: n[0] / (n[1] / 60),
    "unit-rate-expression-a": lambda n, t: n[1] / n[0],
    "unit-rate-tap-a": lambda n, t: n[0] / n[1],
    "unit-rate-tap-b": lambda n, t: n[2] * n[1] / n[0],
    "proportion-through-one-a": lambda n, t: n[1] / n[0],
    "proportion-through-one-b": lambda n, t: n[2] * n[1] / n[0],
    "proportion-solve-a": lambda n, t: n[0] * n[1],
    "proportion-recipe-a": lambda n, t: n[2] * n[0] / n[1],
    "proportion-formula-a": _slope,
    "scale-plan-to-real-a": lambda n, t: n[2] / 100 * n[1],
    "scale-map-a": lambda n, t: n[2] * n[1],
    "scale-map-b": lambda n, t: n[2] * (n[1] / 100),
    "scale-real-to-plan-a": lambda n, t: n[0] / n[2] * 100,
    "scale-find-scale-a": lambda n, t: n[1] / (n[0] / 100),
    "scale-enlarge-a": lambda n, t: n[0] * n[2],
    "scale-enlarge-b": lambda n, t: (n[0] * n[2]) * (n[1] * n[2]) / (n[0] * n[1]),
    "decimals-as-fractions-to-fraction-a": lambda n, t: n[0],
    "decimals-as-fractions-to-decimal-a": lambda n, t: n[0],
    "decimals-as-fractions-read-line-a": lambda n, t: n[3],
    "percent-read-grid-a": lambda n, t: 100 * n[2] / (n[0] * n[1]),
    "percent-to-fraction-a": lambda n, t: n[0] / 100,
    "percent-from-fraction-a": lambda n, t: n[0] * 100,
    "percent-quiz-a": lambda n, t: n[0] / n[1] * 100,
    "percent-rest-a": lambda n, t: 100 - n[0] - n[1],
    "percent-of-amount-of-number-a": lambda n, t: n[0] / 100 * n[1],
    "percent-of-amount-guided-a": lambda n, t: n[0] / 100 * n[2],
    "percent-of-amount-guided-b": lambda n, t: n[0] / 100 * n[2],
    "percent-of-amount-guided-c": lambda n, t: n[0] / 100 * n[1],
    "percent-of-amount-what-percentage-a": lambda n, t: n[1] / n[0] * 100,
    "percent-of-amount-find-whole-a": lambda n, t: n[1] / (n[0] / 100),
    "percent-of-amount-read-bar-a": lambda n, t: n[0] * n[2] / n[1],
    "percent-change-sale-a": lambda n, t: n[0] - n[0] * (100 - n[1]) / 100,
    "percent-change-sale-b": lambda n, t: n[0] * (100 - n[1]) / 100,
    "percent-change-rise-a": lambda n, t: n[0] * (100 + n[1]) / 100,
    "percent-change-find-a": lambda n, t: abs(n[1] / n[0] - 1) * 100,
    "percent-change-before-a": lambda n, t: n[1] / (1 - n[0] / 100),
}


def _variants(step_id: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    problem = PROBLEMS[step_id.rpartition("-")[0]]
    for seed in SEEDS:
        variant = document_render(problem, seed)
        steps = cast("list[dict[str, Any]]", variant["steps"])
        yield variant, next(step for step in steps if step["id"] == step_id)


def _text(variant: dict[str, Any], step: dict[str, Any]) -> str:
    return f"{variant.get('body', '')}\n{step['prompt']}"


def _given(answer: dict[str, Any]) -> Answer:
    if answer["kind"] == "expression":
        x = sympy.Symbol("x")
        found = re.fullmatch(r"(?:y = )?(\d+)x", answer["value"])
        assert found, answer
        slope = sympy.diff(sympy.Integer(int(found[1])) * x, x)
        return Fraction(slope.p, slope.q)
    if "values" in answer:
        return tuple(Fraction(value) for value in answer["values"])
    return Fraction(answer["value"])


def test_every_answer_that_can_be_worked_out_is() -> None:
    steps = {
        step["id"]
        for problem in PROBLEMS.values()
        for step in problem["steps"]
        if step["answer"]["kind"] in WORKED_OUT
    }
    assert steps == set(EXPECTED)


@pytest.mark.parametrize("step_id", EXPECTED)
def test_the_answer_follows_from_what_the_learner_reads(step_id: str) -> None:
    for variant, step in _variants(step_id):
        text = _text(variant, step)
        assert _given(step["answer"]) == EXPECTED[step_id](seen(text), text), text


@pytest.mark.parametrize("step_id", EXPECTED)
def test_the_worked_solution_ends_at_the_answer(step_id: str) -> None:
    for _, step in _variants(step_id):
        expected = _given(step["answer"])
        wanted = expected if isinstance(expected, tuple) else (expected,)
        said = set(seen(step["solution"])) | {
            Fraction(n) for n in re.findall(r"\d+", step["solution"])
        }
        assert set(wanted) <= said, step["solution"]


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
    "percent-choose-picture-a": lambda n, c: _percentage(c) == n[0],
    "percent-change-which-calculations-a": lambda n, c: _product(c) == n[0] * (1 + n[1] / 100),
}


def _correct(step: dict[str, Any]) -> set[str]:
    correct = step["answer"]["correct"]
    return {correct} if isinstance(correct, str) else set(correct)


@pytest.mark.parametrize("step_id", RIGHT_CHOICES)
def test_just_the_right_choices_count_as_right(step_id: str) -> None:
    for variant, step in _variants(step_id):
        numbers = seen(_text(variant, step))
        right = {c["id"] for c in step["choices"] if RIGHT_CHOICES[step_id](numbers, c["text"])}
        assert right == _correct(step), step


SIZES: dict[str, Callable[[str], Fraction]] = {
    "equivalent-ratios-in-order-a": _ratio,
    "decimals-as-fractions-in-order-a": lambda text: seen(text)[0],
    "percent-in-order-a": _percentage,
}


@pytest.mark.parametrize("step_id", SIZES)
def test_an_ordering_is_by_size(step_id: str) -> None:
    for _, step in _variants(step_id):
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
    for _, step in _variants(step_id):
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
    for variant, step in _variants("ratio-true-a"):
        tulips, roses = seen(variant["body"])
        true = {c["id"] for c in step["choices"] if _flowers(c["text"], tulips, roses)}
        assert true == _correct(step)


def test_the_pens_are_matched_with_their_ratios() -> None:
    for variant, step in _variants("ratio-match-a"):
        red, blue = seen(variant["body"])
        amounts = {"red pens": red, "blue pens": blue, "all pens": red + blue}
        texts = {choice["id"]: seen(choice["text"]) for choice in step["choices"]}
        for line in step["answer"]["left"]:
            wanted = [amounts[words] for words in line["text"].split(" to ")]
            partners = [id_ for id_, numbers in texts.items() if numbers == wanted]
            assert partners == [step["answer"]["correct"][line["id"]]]


def test_each_fraction_has_just_one_decimal() -> None:
    for _, step in _variants("decimals-as-fractions-match-a"):
        for line in step["answer"]["left"]:
            partners = [c["id"] for c in step["choices"] if seen(c["text"]) == seen(line["text"])]
            assert partners == [step["answer"]["correct"][line["id"]]], step


def test_each_scale_stands_for_just_one_length() -> None:
    for _, step in _variants("scale-match-a"):
        (length_cm,) = seen(step["prompt"])
        for line in step["answer"]["left"]:
            real = length_cm * seen(line["text"])[1] / 100
            partners = [c["id"] for c in step["choices"] if _metres(c["text"]) == real]
            assert partners == [step["answer"]["correct"][line["id"]]], step


def test_each_change_has_just_one_factor() -> None:
    for _, step in _variants("percent-change-factor-a"):
        for line in step["answer"]["left"]:
            share = seen(line["text"])[0] / 100
            sign = 1 if "rises" in line["text"] else -1
            factor = share if "**to**" in line["text"] else 1 + sign * share
            partners = [c["id"] for c in step["choices"] if seen(c["text"])[0] == factor]
            assert partners == [step["answer"]["correct"][line["id"]]], step


def test_the_division_leads_to_the_unit_that_is_asked_for() -> None:
    for variant, step in _variants("unit-rate-which-division-a"):
        kilograms, euros = seen(variant["body"])
        wanted = (
            [euros, kilograms] if "euros per kilogram" in step["prompt"] else [kilograms, euros]
        )
        right = {
            c["id"] for c in step["choices"] if r"\div" in c["text"] and seen(c["text"]) == wanted
        }
        assert right == _correct(step)


def test_just_one_column_of_the_table_does_not_fit_and_it_is_the_right_choice() -> None:
    for variant, step in _variants("proportion-odd-column-a"):
        numbers = seen(variant["body"])
        rates = {
            hours: litres / hours for hours, litres in zip(numbers[:4], numbers[4:], strict=True)
        }
        (odd,) = [h for h, rate in rates.items() if list(rates.values()).count(rate) == 1]
        assert {c["id"] for c in step["choices"] if seen(c["text"])[0] == odd} == _correct(step)
        assert {seen(c["text"])[0] for c in step["choices"]} == set(rates)


def test_a_percentage_becomes_its_decimal() -> None:
    for _, step in _variants("percent-to-decimal-a"):
        (percentage,) = seen(step["prompt"])
        for accepted in step["answer"]["accepted"]:
            assert seen(accepted)[-1] == percentage / 100


def test_iva_did_better_with_fewer_right_answers() -> None:
    for variant, _ in _variants("percent-quiz-b"):
        right, of, more, of_more = seen(variant["body"])
        assert right < more
        assert right / of > more / of_more


def test_there_and_back_ends_below_the_start() -> None:
    for variant, step in _variants("percent-change-there-and-back-a"):
        price, up, down = seen(variant["body"])
        assert price * (1 + up / 100) * (1 - down / 100) < price
        assert _correct(step) == {"less"}


def test_the_two_percentages_of_nuts_are_equal() -> None:
    for _, step in _variants("percent-of-amount-which-more-a"):
        one, of_one, other, of_other = seen(step["prompt"])
        assert one * of_one == other * of_other


def test_the_drink_with_two_more_cups_is_stronger() -> None:
    for variant, _ in _variants("equivalent-ratios-two-more-a"):
        syrup, water, more_syrup, more_water = seen(variant["body"])
        assert (syrup + more_syrup) / (water + more_water) > syrup / water


def test_wrong_working_that_is_shown_is_really_wrong() -> None:
    for variant, _ in _variants("share-in-ratio-mistake-a"):
        nuts, one, other, *working = seen(variant["body"])
        assert working[2] + working[5] != nuts
        assert (working[2], working[5]) == (nuts / one, nuts / other)
    for variant, _ in _variants("proportion-mistake-a"):
        goats, bags, more, _two, claimed = seen(variant["body"])
        assert bags / goats * more != claimed
    for variant, _ in _variants("percent-of-amount-mistake-a"):
        percentage, amount, _n, _p, claimed = seen(variant["body"])
        assert amount * percentage / 100 != claimed == amount / percentage
    for variant, _ in _variants("decimals-as-fractions-mistake-a"):
        first, second, *_rest = seen(variant["body"])
        assert first < second
    for variant, _ in _variants("ratio-mistake-a"):
        flour, milk, first, second = seen(variant["body"])
        assert (first, second) == (flour, milk)
        assert flour != milk


def test_of_five_percent_to_all_apartments_every_step_follows_from_the_one_before() -> None:
    for variant, step in _variants("percent-of-amount-steps-a"):
        _, free = seen(variant["body"])
        texts = {choice["id"]: seen(choice["text"]) for choice in step["choices"]}
        five, one, hundred, rest = (texts[id_] for id_ in step["answer"]["correct"])
        assert five == [5, free]
        assert one[-1] == free / 5
        assert hundred[-1] == 100 * one[-1]
        assert rest[-1] == hundred[-1] - free


def test_the_steps_of_sharing_follow_from_each_other() -> None:
    for variant, step in _variants("share-in-ratio-steps-a"):
        marbles, one, other = seen(variant["body"])
        texts = {choice["id"]: seen(choice["text"]) for choice in step["choices"]}
        add, divide, multiply, check = (texts[id_] for id_ in step["answer"]["correct"])
        assert add == [one, other, one + other]
        assert divide == [marbles, one + other, marbles / (one + other)]
        assert multiply == [one, divide[-1], one * divide[-1]]
        assert check == [multiply[-1], marbles - multiply[-1], marbles]
