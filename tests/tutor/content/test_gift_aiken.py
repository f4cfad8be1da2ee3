"""GIFT and Aiken: every question is taken as what it is, or listed with its line and reason."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.content.aiken import aiken_read
from tutor.content.errors import ContentUnreadableError, errors_of
from tutor.content.gift import gift_read
from tutor.content.gift_parse import answers_parse, unescape
from tutor.content.validation import bundle_check
from tutor.grading.answers import answer_check


def gift(text, name="q.gift"):
    return gift_read(text.encode(), name=name)


def only(text):
    bundle, notes, _ = gift(text)
    (problem,) = bundle["problems"]
    assert errors_of(bundle_check(bundle)) == ()
    return problem["steps"][0], notes[1:]


def choices(step):
    return [choice["text"] for choice in step["choices"]]


def test_true_and_false_show_the_feedback_of_what_was_picked():
    step, _ = only("The sun rises in the west.{FALSE#It does not.#Right.}")
    assert step["answer"] == {"kind": "choice", "correct": "c2"}
    assert [choice.get("feedback") for choice in step["choices"]] == ["It does not.", "Right."]


def test_one_right_answer_among_others_is_a_choice():
    step, _ = only("Who's buried?{~Grant#No ~Jefferson =no one#Yes}")
    assert choices(step) == ["Grant", "Jefferson", "no one"]
    assert step["answer"]["correct"] == "c3"
    assert step["choices"][2]["feedback"] == "Yes"


def test_weights_without_a_right_answer_are_several_choices():
    step, notes = only("Two?{~%-50%A ~%50%B ~%50%C}")
    assert step["answer"] == {"kind": "multiple_choice", "correct": ["c2", "c3"]}
    assert notes == ("q.gift:1: all right answers are to be picked; no part credit.",)


def test_part_credit_is_told():
    step, notes = only("Which?{~no ~%50%half =yes}")
    assert step["answer"]["correct"] == "c3"
    assert "part credit was left out" in notes[0]


def test_words_are_accepted_and_lesser_ones_get_their_feedback():
    step, notes = only("Best?{=Frog#Good! =Toad =%50%Cat#Hm. =%0%*#Wrong ####In general.}")
    assert step["answer"] == {"kind": "text", "accepted": ["Frog", "Toad"]}
    assert step["feedback"] == [{"answer": "Cat", "text": "Hm."}]
    assert step["solution"] == "In general.\n\nGood!"
    assert "part credit for 'Cat'" in notes[0]
    assert "any other answer left out: Wrong" in notes[1]


@pytest.mark.parametrize(
    ("body", "value", "tolerance"),
    [
        ("#1822", "1822", None),
        ("#1822:5", "1822", "5"),
        ("#3.141..3.142", "3.1415", "0.0005"),
        ("#-5..5", "0", "5"),
        ("#=2e3:0", "2000", None),
        ("#\n=1822:0 #Yes\n=%50%1800:50", "1822", None),
        ("#3:2~#Wrong", "3", "2"),
    ],
)
def test_numbers_keep_their_tolerance(body, value, tolerance):
    step, _ = only(f"How many?{{{body}}}")
    assert (step["answer"]["value"], step["answer"].get("tolerance")) == (value, tolerance)


def test_a_range_accepts_its_ends_and_nothing_beyond():
    step, _ = only("A number from 1 to 5?{#1..5}")
    given_and_right = [("1", True), ("5", True), ("0.99", False), ("5.01", False)]
    for raw, is_right in given_and_right:
        assert answer_check(step["answer"], raw).is_correct is is_right


def test_pairs_are_matched_and_a_lone_right_side_matches_nothing():
    step, _ = only("Match{=Canada -> Ottawa =Italy -> Rome = -> Tokyo}")
    assert [left["text"] for left in step["answer"]["left"]] == ["Canada", "Italy"]
    assert choices(step) == ["Ottawa", "Rome", "Tokyo"]
    assert step["answer"]["correct"] == {"l1": "c1", "l2": "c2"}


def test_text_after_the_answers_makes_a_blank():
    step, _ = only("Grant is {~buried =entombed} in a tomb.")
    assert step["prompt"] == r"Grant is \_\_\_\_ in a tomb."


def test_escaped_signs_are_signs_and_latex_keeps_its_backslashes():
    step, _ = only(r"Which \{is\} \= 5 \: $$\\frac\{1\}\{2\}$$?{~ \= 4 = \~5 \#}")
    assert step["prompt"] == r"Which {is} = 5 : $\frac{1}{2}$?"
    assert choices(step) == ["= 4", r"\~5 #"]


def test_formats_are_read_as_they_say():
    step, _ = only("[html]<p>A <b>bold</b> one</p>{=[plain]a*b ~[markdown]*c* ~<i>d</i>}")
    assert step["prompt"] == "A **bold** one"
    assert choices(step) == [r"a\*b", "*c*", "*d*"]


def test_templates_of_ours_are_only_text_there():
    step, _ = only("What is @\\{x\\}?{=@\\{y\\}}")
    assert step["prompt"] == "What is @@{x}?"
    assert answer_check({"kind": "text", "accepted": ["@{y}"]}, "@{y}").is_correct


def test_names_and_ids_make_stable_ids_whatever_the_order():
    first, second = "::One::Is it?{T}", "// [id:77]\n::Two::Is it not?{F}"
    ids = {p["id"] for p in gift(f"{first}\n\n{second}")[0]["problems"]}
    assert ids == {"one", "77"}
    assert {p["id"] for p in gift(f"{second}\n\n{first}")[0]["problems"]} == ids


def test_questions_without_a_name_are_known_by_what_they_say():
    here = gift("Is it?{T}\n\nIs it not?{F}")[0]["problems"]
    there = gift("Is it not?{F}\n\nIs it?{T}")[0]["problems"]
    assert [p["id"] for p in here] == [p["id"] for p in there][::-1]


def test_two_questions_of_one_name_both_stay():
    bundle, notes, _ = gift("::N::Is it?{T}\n\n::N::Is it not?{F}")
    assert [p["id"].startswith("n") for p in bundle["problems"]] == [True, True]
    assert "taken already" in notes[1]


def test_categories_become_lessons_and_skills():
    bundle, notes, _ = gift(
        "$CATEGORY: $course$/top/Unit 1/Sums\nIs it?{T}\n\n$CATEGORY: Empty\n\n"
        "$CATEGORY: B\n\nNo?{F}"
    )
    assert [lesson["title"] for lesson in bundle["lessons"]] == ["Unit 1 / Sums", "B"]
    assert [p["steps"][0]["skills"] for p in bundle["problems"]] == [["unit-1-sums"], ["b"]]
    assert "the group 'Empty' was left out" in notes[-1]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("Just a text", "asks nothing"),
        ("Write.{}", "an essay"),
        ("Open {=a", "not closed"),
        ("Closed }", "without a '{'"),
        ("Two {=a} blocks {=b}", "several blocks"),
        ("::Name {=a}", "not closed by another '::'"),
        ("Seasons?{=spring =summer ~easter}", "each right by themselves"),
        ("None?{~a ~b}", "no answer is marked"),
        ("One?{~a}", "1 answer"),
        ("Empty?{=a ~}", "answer 2 is empty"),
        ("Any?{=f*}", "stands for any text"),
        ("Number?{#many}", "no number"),
        ("Number?{#1 =2}", "2 numbers"),
        ("Range?{#5..1}", "ends before"),
        ("Tolerance?{#5:-1}", "below 0"),
        ("Pairs?{=a -> b =c}", "only 1 of its 2"),
        ("Mixed?{a =b}", "neither '=' nor '~'"),
        ("{=a}", "no text"),
        ("Huge?{#1e99}", "more digits"),
    ],
)
def test_what_cannot_be_graded_is_listed_with_line_and_reason(question, reason):
    bundle, notes, _ = gift(f"Good?{{T}}\n\n\n{question}\n")
    assert len(bundle["problems"]) == 1
    (note,) = notes[1:]
    assert note.startswith("q.gift:4: the question '")
    assert reason in note


def test_the_same_question_twice_is_taken_once_and_listed():
    bundle, notes, _ = gift("Is it?{T}\n\nIs it?{T}")
    assert len(bundle["problems"]) == 1
    assert notes[1] == (
        "q.gift:3: the question was left out: it says the same as the one at q.gift:1."
    )


def test_tags_are_told_to_be_left_out():
    assert "its tags (a, b) were left out" in gift("// [tag:a] [tag:b]\nIs it?{T}")[1][1]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
GIFT_LIKE = st.lists(
    st.sampled_from(
        [
            *"{}=~#:%\\[]*/<>&$\n @",
            "->",
            "::",
            "####",
            "\n\n",
            "//",
            "[html]",
            "TRUE",
            "50",
            "..",
            "<p>",
        ]
    )
    | TEXTS,
    max_size=25,
).map("".join)


@settings(max_examples=200, deadline=None)
@given(GIFT_LIKE)
def test_any_text_is_gift_that_is_taken_or_listed(text):
    try:
        bundle, notes, origin = gift(text)
    except ContentUnreadableError:
        return
    assert notes
    assert len(origin.places) == len(bundle["problems"])
    lines = len(text.splitlines()) + 1
    for place in origin.places.values():
        assert 1 <= int(place.rpartition(":")[2]) <= lines


ESCAPED = str.maketrans({sign: f"\\{sign}" for sign in "~=#{}:\\"})
# Text that our own reading of Moodle's format leaves as it is, once escaped.
PLAIN = st.text(st.sampled_from("abc XYZ 123 ~=#{}:\\ é"), min_size=1, max_size=12).map(
    lambda text: " ".join(text.split())
)


@settings(max_examples=100, deadline=None)
@given(
    question=PLAIN.filter(lambda t: any(c.isalnum() for c in t)),
    right=PLAIN.filter(bool),
    wrong=st.lists(PLAIN.filter(bool), min_size=1, max_size=3),
)
def test_escaped_texts_come_through_whole(question, right, wrong):
    marked = [f"={right.translate(ESCAPED)}", *(f"~{text.translate(ESCAPED)}" for text in wrong)]
    answers = answers_parse(" ".join(marked))
    assert [unescape(answer.text) for answer in answers] == [right, *wrong]
    bundle, _, _ = gift(f"[plain]{question.translate(ESCAPED)}{{{' '.join(marked)}}}")
    assert len(bundle["problems"][0]["steps"][0]["choices"]) == len(answers)


def aiken(text):
    return aiken_read(text.encode(), name="q.txt")


def test_aiken_questions_are_choices():
    bundle, _, _ = aiken(
        "Which is\neven?\nA) 3\nB. 4\nC) <b>\nANSWER: B\n\nNext?\nA)x\nB)y\nanswer: A"
    )
    first, second = bundle["problems"]
    step = first["steps"][0]
    assert step["prompt"] == "Which is even?"
    assert step["answer"] == {"kind": "choice", "correct": "c2"}
    assert choices(step) == ["3", "4", r"\<b\>"]
    assert second["steps"][0]["answer"]["correct"] == "c1"
    assert errors_of(bundle_check(bundle)) == ()


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("One?\nA) a\nANSWER: A", 5, "1 answer"),
        ("ANSWER: A", 5, "no question stands before it"),
        ("Which?\nA) a\nB) b\nANSWER: Z", 5, "'Z', expected one of its letters (A, B)"),
        ("Which?\nA) a\nB) b\nANSWER:", 5, "expected one of its letters"),
        ("Which?\nA) a\nA) b\nANSWER: A", 5, "stands twice"),
        ("Which?\nA) a\nB) b", 5, "without a line 'ANSWER: '"),
        ("Which?\nA) a\nB) b\nNext?\nA) a\nB) b\nANSWER: A", 5, "without a line 'ANSWER: '"),
        ("Which?\nA) a\nB) \nANSWER: A", 5, "answer 2 is empty"),
    ],
)
def test_broken_aiken_is_listed_with_line_and_reason(text, line, reason):
    bundle, notes, _ = aiken(f"Good?\nA) x\nB) y\nANSWER: B\n{text}\n")
    assert bundle["problems"][0]["steps"][0]["prompt"] == "Good?"
    assert notes[1].startswith(f"q.txt:{line}: ")
    assert reason in notes[1]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(["A) a", "B) b", "C. c", "ANSWER: A", "ANSWER: b", "", "What?"]) | TEXTS,
        max_size=20,
    ).map("\n".join)
)
def test_any_text_is_aiken_that_is_taken_or_listed(text):
    try:
        bundle, notes, _ = aiken(text)
    except ContentUnreadableError:
        return
    assert bundle["problems"]
    assert errors_of(bundle_check(bundle)) == ()
    assert notes
