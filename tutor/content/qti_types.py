"""What type a QTI item is of: as it says, else by its profile, else by its form."""

from collections.abc import Callable

from tutor.content.qti_parse import Material, QtiItem

_CC_TYPES = {
    "multiple_choice": "multiple_choice_question",
    "true_false": "true_false_question",
    "multiple_response": "multiple_answers_question",
    "fib": "short_answer_question",
    "pattern_match": "short_answer_question",
    "essay": "essay_question",
}


def item_type(item: QtiItem, *, note: Callable[[str], None]) -> str:
    """Give the Canvas name of an item's type; `note` is told when it had to be guessed."""
    said = item.meta.get("question_type", "")
    profile = item.meta.get("cc_profile", "")
    if not said and profile.startswith("cc."):
        said = _CC_TYPES.get(profile.split(".")[1], profile)
    if said:
        return said
    found = _type_guessed(item)
    note(f"it does not say its type: read as {found}")
    return found


def _type_guessed(item: QtiItem) -> str:
    if not item.responses:
        return "text_only_question"
    first = item.responses[0]
    if first.kind != "response_lid":
        tests = [test for row in item.conditions if row.score > 0 for test in row.tests]
        if item.calculated is not None:
            return "calculated_question"
        if any(test.name in {"vargte", "vargt", "varlte", "varlt"} for test in tests):
            return "numerical_question"
        return "short_answer_question" if tests else "essay_question"
    if len(item.responses) == 1 and not first.material:
        return "multiple_answers_question" if first.is_multiple else "multiple_choice_question"
    text = " ".join(piece.content for piece in item.material)
    names = ["".join(piece.content for piece in block.material) for block in item.responses]
    if not all(f"[{name}]" in text for name in names):
        return "matching_question"
    # Several spellings of one word are accepted answers; different words are a choice.
    for block in item.responses:
        spellings = {flat(label.material).casefold() for label in block.labels}
        if len(spellings) > 1:
            return "multiple_dropdowns_question"
    return "fill_in_multiple_blanks_question"


def flat(material: Material) -> str:
    """Everything that a material says, on one line, as it is written."""
    return " ".join(" ".join(piece.content for piece in material).split())
