"""Let a simulated learner use the site: through the services that pages use, in the past."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from django.db import transaction

from tutor.accounts.models import User
from tutor.common.clock import days_since_epoch
from tutor.common.errors import TutorError
from tutor.content.documents import StepDocument
from tutor.content.graph import CourseGraph, course_graph
from tutor.content.models import Course
from tutor.operations.answering import answer_right, answer_wrong
from tutor.operations.simulated import SimulatedLearner, Sitting, pause_draw
from tutor.practice.models import Activity, Session
from tutor.practice.recording import Scene, scene_of
from tutor.practice.services import (
    activity_continue,
    answer_submit,
    dont_know,
    hint_open,
    session_end,
    session_start,
)

MOST_TRIES = 3
# After a wrong try and its feedback most find it; a hint helps as much.
P_RIGHT_AFTER_HELP = 0.6
P_HINT_RATHER_THAN_GIVE_UP = 0.7


@transaction.atomic
def history_play(
    learner: User,
    course: Course,
    *,
    simulated: SimulatedLearner,
    sittings: Sequence[Sitting],
    until: datetime,
    rng: Random,
) -> int:
    """Play the sittings that end before `until`; return the number of steps answered."""
    graph = course_graph(course)
    n_answered = 0
    for sitting in sittings:
        # Longer than any sitting takes.
        if sitting.starts_at + timedelta(hours=2) > until:
            break
        try:
            session = session_start(learner, course, now=sitting.starts_at)
        except TutorError:
            continue  # Nothing to practise that day: all is known and no review is due.
        player = _Player(session, graph=graph, simulated=simulated, rng=rng, now=sitting.starts_at)
        for _ in range(sitting.n_steps):
            scene = scene_of(session)
            if scene is None:
                break
            player.step_answer(scene)
            n_answered += 1
        session_end(session, now=player.now)
    return n_answered


class _Player:
    """One learner in one sitting; `now` moves with every deed."""

    def __init__(
        self,
        session: Session,
        *,
        graph: CourseGraph,
        simulated: SimulatedLearner,
        rng: Random,
        now: datetime,
    ) -> None:
        self.session = session
        self.now = now
        self._graph = graph
        self._simulated = simulated
        self._rng = rng

    def step_answer(self, scene: Scene) -> None:
        """Work on the step at hand until it is right or given up, and go on."""
        skill_ids = self._graph.step_of_key[scene.step.key].skill_ids
        at_days = days_since_epoch(self.now)
        p_correct = self._simulated.p_correct(skill_ids, at_days=at_days)
        is_right = self._rng.random() < p_correct
        is_solved = self._first_deed(scene.step, is_right=is_right)
        for _ in range(MOST_TRIES - 1):
            if is_solved:
                break
            is_solved = self._later_deed(scene.step)
        if not is_solved:
            self._give_up()
        self._simulated.practise(skill_ids, is_correct=is_right, at_days=at_days)
        self._wait()
        activity_continue(self.session, attempt_token=self._token(), now=self.now)

    def _first_deed(self, step: StepDocument, *, is_right: bool) -> bool:
        asks = self._rng.random() < self._simulated.character.help_seeking
        if not is_right and asks:
            if step.hints and self._rng.random() < P_HINT_RATHER_THAN_GIVE_UP:
                self._hint()
                return False
            self._give_up()
            return True
        return self._answer(step, is_right=is_right)

    def _later_deed(self, step: StepDocument) -> bool:
        if step.hints and self._rng.random() < self._simulated.character.help_seeking:
            self._hint()
        return self._answer(step, is_right=self._rng.random() < P_RIGHT_AFTER_HELP)

    def _answer(self, step: StepDocument, *, is_right: bool) -> bool:
        """Answer; return whether the step is done with."""
        raw = answer_right(step) if is_right else answer_wrong(step, rng=self._rng)
        if raw is None:
            self._give_up()
            return True
        self._wait()
        answer_submit(
            self.session,
            raw_answer=raw,
            attempt_token=self._token(),
            elapsed_ms=None,
            now=self.now,
        )
        return is_right

    def _hint(self) -> None:
        self._wait()
        hint_open(self.session, attempt_token=self._token(), now=self.now)

    def _give_up(self) -> None:
        self._wait()
        dont_know(self.session, attempt_token=self._token(), now=self.now)

    def _token(self) -> UUID:
        open_now = Activity.objects.filter(session=self.session, finished_at=None)
        return open_now.values_list("attempt_token", flat=True).get()

    def _wait(self) -> None:
        self.now += pause_draw(self._rng)
