"""How classes, enrolments and accounts of learners look from outside, and what may be sent."""

from typing import Any

from rest_framework import serializers

from tutor.accounts.models import User
from tutor.api.fields import Flag, Id, Line, Pattern, Text
from tutor.roster.models import Classroom, Enrolment
from tutor.roster.sheets import MOST_ROWS, NAME_MOST, PASSWORD_MOST, USERNAME_MOST


class ClassroomSerializer(serializers.ModelSerializer[Classroom]):
    """A class that the caller teaches."""

    course = serializers.UUIDField(source="course.uuid")
    n_learners = serializers.IntegerField(read_only=True)

    class Meta:
        model = Classroom
        fields = (
            *("uuid", "name", "course", "join_code", "is_joinable", "is_archived", "n_learners"),
            "created_at",
        )


class ClassroomForm(serializers.Serializer[Any]):
    """A class to make."""

    name = Line(max_length=120)
    course = Id()


class ClassroomChangeForm(serializers.Serializer[Any]):
    """What may be changed of a class; what is left out stays."""

    name = Line(max_length=120, required=False)
    is_joinable = Flag(required=False)
    is_archived = Flag(required=False)


class LearnerSerializer(serializers.ModelSerializer[User]):
    """A learner; simulated ones are marked."""

    class Meta:
        model = User
        fields: tuple[str, ...] = ("uuid", "username", "display_name", "is_simulated", "is_active")


class NewLearnerForm(serializers.Serializer[Any]):
    """A learner to enrol; what is left out is made up."""

    name = Line(max_length=NAME_MOST)
    username = Pattern(
        r"^[A-Za-z0-9_.@+-]+$",
        max_length=USERNAME_MOST,
        required=False,
        help_text="Of an account of yours: it is enrolled. A free one: an account is made.",
    )
    password = Line(max_length=PASSWORD_MOST, required=False, trim_whitespace=False)


class NewLearnersForm(serializers.Serializer[Any]):
    """Learners to enrol, all of them or none."""

    learners = serializers.ListField(child=NewLearnerForm(), min_length=1, max_length=MOST_ROWS)
    dry_run = Flag(default=False, help_text="Only say what would be done.")


class MadeAccountSerializer(serializers.Serializer[Any]):
    """An account that was made, with its password, this once."""

    uuid = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField()
    password = serializers.CharField()


class EnrolledSerializer(serializers.Serializer[Any]):
    """What became of learners that were sent."""

    n_created = serializers.IntegerField()
    n_enrolled = serializers.IntegerField(help_text="Who had an account and joined the class.")
    n_kept = serializers.IntegerField(help_text="Who was in the class already.")
    created = MadeAccountSerializer(many=True)


class EnrolmentSerializer(serializers.ModelSerializer[Enrolment]):
    """A learner's time in a class."""

    classroom = serializers.UUIDField(source="classroom.uuid")
    learner = serializers.UUIDField(source="learner.uuid")

    class Meta:
        model = Enrolment
        fields = ("uuid", "classroom", "learner", "joined_at", "left_at")


class EnrolmentForm(serializers.Serializer[Any]):
    """Who joins a class."""

    learner = Id(help_text="A learner of yours.")


class PasswordSerializer(serializers.Serializer[Any]):
    """A new password, shown this once."""

    uuid = serializers.UUIDField()
    username = serializers.CharField()
    password = serializers.CharField()


class LearnerQueryForm(serializers.Serializer[Any]):
    """Which learners."""

    username = Text(required=False, max_length=USERNAME_MOST)
