"""Making a learner's account with a class's code, and slowing down whoever guesses codes."""

import logging
from datetime import datetime

from django.core.cache import cache
from django.db import transaction

from tutor.accounts.models import Role, User
from tutor.accounts.services import account_create
from tutor.roster.models import Classroom
from tutor.roster.services import classroom_join

logger = logging.getLogger(__name__)

# A whole class joins from one address within a lesson: both limits leave it room.
JOINS_PER_CODE = 80
WRONG_CODES = 30
WINDOW_SECONDS = 60 * 60


@transaction.atomic
def learner_register(
    *, username: str, display_name: str, password: str, join_code: str, now: datetime
) -> tuple[User, Classroom]:
    """Create a learner's account and enrol it, or do neither.

    Raises:
        TutorError: code `username_taken` or `unknown_join_code`.
    """
    learner = account_create(
        username=username, display_name=display_name, role=Role.LEARNER, password=password
    )
    return learner, classroom_join(learner, join_code=join_code, now=now)


def join_is_limited(*, address: str, join_code: str) -> bool:
    """Return whether this address has joined by this code, or mistyped codes, too often."""
    counts = _counts(_keys(address, join_code))
    return counts[0] >= JOINS_PER_CODE or counts[1] >= WRONG_CODES


def join_count(*, address: str, join_code: str, is_known_code: bool) -> None:
    """Count one joining, or one wrong code, against the limits of the hour."""
    key = _keys(address, join_code)[0 if is_known_code else 1]
    try:
        cache.add(key, 0, timeout=WINDOW_SECONDS)
        cache.incr(key)
    except Exception:  # noqa: BLE001 - whatever the cache server raises, joining goes on
        logger.warning("join limits are not counted: the cache cannot be reached")


def _keys(address: str, join_code: str) -> tuple[str, str]:
    code = "".join(letter for letter in join_code.upper() if letter.isalnum())[:16]
    return f"join:{address}:{code}", f"join:{address}"


def _counts(keys: tuple[str, str]) -> tuple[int, int]:
    try:
        found = cache.get_many(keys)
    except Exception:  # noqa: BLE001 - as above
        return 0, 0
    return int(found.get(keys[0], 0)), int(found.get(keys[1], 0))
