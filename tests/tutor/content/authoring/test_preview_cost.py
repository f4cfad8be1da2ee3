"""Looking for another variant costs a bounded time, whatever the problem."""

from itertools import count

from tutor.content.authoring import preview
from tutor.content.documents import problem_of
from tutor.grading.variants import document_render


def problem():
    return {
        "id": "p",
        "lesson": "l",
        "title": "Always the same",
        "body": "",
        "order": 0,
        "variables": {"a": {"kind": "integer", "min": 1, "max": 9}},
        "constraints": [],
        "steps": [],
    }


def looked_for(document, seconds):
    tried = []

    def ticking():
        tried.append(1)
        return next(seconds)

    drawn = problem_of(document_render(document, 0))
    assert preview._other_seed(document, drawn, 0, 1, seconds=ticking) is None
    return len(tried) - 1


def test_every_seed_is_tried_while_there_is_time():
    assert looked_for(problem(), count(0, 0.001)) == preview.SEEDS_TRIED - 1


def test_a_heavy_problem_is_given_up():
    assert looked_for(problem(), count(0, preview.LOOKING_SECONDS / 2)) == 3
