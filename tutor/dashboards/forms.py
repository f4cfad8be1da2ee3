"""Forms of the teacher pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tutor.accounts.models import Role, User
from tutor.content.models import Course


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
