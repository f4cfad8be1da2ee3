"""Forms of the teacher pages."""

from datetime import date
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from tutor.accounts.models import Role, User
from tutor.content.models import Course
from tutor.tracing.engine_fit import BASELINES as YARDSTICKS
from tutor.tracing.engine_fit import model_names
from tutor.tracing.fit_starting import UNATTENDED
from tutor.tracing.models import ModelRole


class ClassroomForm(forms.Form):
    """A new class. Administrators also say who teaches it; a teacher's own class is theirs."""

    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        help_text=_("As the school calls it, such as 6b or Ms Ito 3."),
    )
    course = forms.ModelChoiceField(
        label=_("Course"), queryset=Course.objects.none(), empty_label=_("Choose a course")
    )
    teachers = forms.ModelMultipleChoiceField(
        label=_("Teachers"),
        queryset=User.objects.none(),
        required=False,
        help_text=_("Nobody chosen: you."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        course = self.fields["course"]
        teachers = self.fields["teachers"]
        if not isinstance(course, forms.ModelChoiceField) or not isinstance(
            teachers, forms.ModelMultipleChoiceField
        ):
            raise TypeError("course and teachers must be fields of models")
        course.queryset = Course.objects.order_by("title", "id")
        if user.is_administrator:
            teachers.queryset = User.objects.filter(
                role__in=[Role.TEACHER, Role.ADMINISTRATOR], is_active=True
            ).order_by("display_name", "id")
        else:
            del self.fields["teachers"]

    def teachers_chosen(self) -> list[User]:
        """Return who teaches the class: those chosen, else the person who makes it."""
        return list(self.cleaned_data.get("teachers") or [self.user])


class FitForm(forms.Form):
    """A fit to start by hand. The yardsticks of every test are not offered: they serve nobody."""

    model_name = forms.ChoiceField(label=_("Model"))
    role = forms.ChoiceField(label=_("Role"), choices=ModelRole.choices)
    seed = forms.IntegerField(
        label=_("Seed"),
        min_value=0,
        max_value=2**31 - 1,
        initial=0,
        help_text=_("The same seed on the same answers gives the same fit."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        model_name = self.fields["model_name"]
        if not isinstance(model_name, forms.ChoiceField):
            raise TypeError("model_name must be a field of choices")
        model_name.initial = UNATTENDED[0][0]
        model_name.choices = [(name, name) for name in model_names() if name not in YARDSTICKS]


class AsOfForm(forms.Form):
    """A past day whose beliefs are wanted."""

    as_of = forms.DateField(
        label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["as_of"].widget.attrs["max"] = today.isoformat()

    def clean_as_of(self) -> date:
        """Refuse days that have not been."""
        day: date = self.cleaned_data["as_of"]
        if day > self.today:
            raise forms.ValidationError(
                _("%(day)s is still to come; choose a day up to today."),
                params={"day": date_format(day, "j M Y")},
            )
        return day
