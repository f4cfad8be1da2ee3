"""The form of an assignment: which skills, by when, for whom."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.utils.timezone import localdate
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from tutor.accounts.models import User
from tutor.content.graph import CourseGraph
from tutor.scheduling.models import Assignment

ALL, SOME = "all", "some"
TITLE_SKILLS = 2
# The last minute of a day: a date is met on the whole of its day.
DAY_ENDS = time(23, 59)


class AssignmentForm(forms.Form):
    """Skills by their UUIDs, a day, and the whole class or some of it."""

    skills = forms.MultipleChoiceField(
        label=_("Skills"), error_messages={"required": _("Choose at least one skill.")}
    )
    due = forms.DateField(
        label=_("Until"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("The end of that day."),
    )
    audience = forms.ChoiceField(
        label=_("For"),
        choices=[(ALL, _("the whole class, who joins later too")), (SOME, _("only these:"))],
        initial=ALL,
        widget=forms.RadioSelect,
    )
    learners = forms.MultipleChoiceField(
        label=_("Learners"), required=False, widget=forms.CheckboxSelectMultiple
    )
    title = forms.CharField(
        label=_("Title"),
        max_length=120,
        required=False,
        help_text=_("Leave it empty and it is called after its skills."),
    )
    note = forms.CharField(
        label=_("A word to it"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Learners read it on their home page."),
    )

    def __init__(
        self,
        *args: Any,
        graph: CourseGraph,
        learners: Sequence[User],
        today: date,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._graph = graph
        self._learners = {str(learner.uuid): learner for learner in learners}
        self._skill_of = {str(skill.uuid): skill for skill in graph.skills}
        skills, chosen = self.fields["skills"], self.fields["learners"]
        if not isinstance(skills, forms.MultipleChoiceField) or not isinstance(
            chosen, forms.MultipleChoiceField
        ):
            raise TypeError("skills and learners must be fields of choices")
        skills.choices = [(uuid, skill.title) for uuid, skill in self._skill_of.items()]
        chosen.choices = [(uuid, str(learner)) for uuid, learner in self._learners.items()]
        self.fields["due"].widget.attrs["min"] = today.isoformat()

    def clean(self) -> dict[str, Any] | None:
        """Ask who it is for where only some are meant."""
        cleaned = super().clean()
        is_for_some = self.cleaned_data.get("audience") == SOME
        if is_for_some and not self.cleaned_data.get("learners"):
            self.add_error("learners", _("Choose at least one learner, or the whole class."))
        return cleaned

    def ticked(self) -> frozenset[UUID]:
        """Return the skills that are ticked, in a form that is sent or a fresh one."""
        found = self["skills"].value() or ()
        return frozenset(self._skill_of[uuid].uuid for uuid in found if uuid in self._skill_of)

    def skill_ids(self) -> list[int]:
        """Return the skills chosen, of a valid form."""
        return [self._skill_of[uuid].id for uuid in self.cleaned_data["skills"]]

    def named(self) -> list[User]:
        """Return the learners chosen, of a valid form; none for the whole class."""
        if self.cleaned_data["audience"] == ALL:
            return []
        return [self._learners[uuid] for uuid in self.cleaned_data["learners"]]

    def due_at(self) -> datetime:
        """Return the end of the day, of a valid form, by the school's clock."""
        return datetime.combine(
            self.cleaned_data["due"], DAY_ENDS, tzinfo=ZoneInfo(settings.TIME_ZONE)
        )

    def title_given(self) -> str:
        """Return the title of a valid form, made from the skills where none is given."""
        title: str = self.cleaned_data["title"].strip()
        if title:
            return title
        titles = [self._skill_of[uuid].title for uuid in self.cleaned_data["skills"]]
        made = ", ".join(titles[:TITLE_SKILLS])
        more = len(titles) - TITLE_SKILLS
        if more > 0:
            made = _now("{skills} and {n} more").format(skills=made, n=more)
        return made[:120]


def initial_of(assignment: Assignment) -> dict[str, Any]:
    """Return what the form shows of an assignment that is there."""
    named = [str(learner.uuid) for learner in assignment.learners.all()]
    return {
        "skills": [str(skill.uuid) for skill in assignment.skills.all()],
        "due": localdate(assignment.due_at),
        "audience": SOME if named else ALL,
        "learners": named,
        "title": assignment.title,
        "note": assignment.note,
    }
