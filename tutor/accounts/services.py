"""Making accounts and tokens, and recording who did what."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from tutor.accounts.models import ApiToken, AuditEvent, Role, Scope, User
from tutor.common.errors import TutorError

TOKEN_PREFIX = "sw_"  # noqa: S105 - the visible mark of a token, not a secret
# Usernames that imports of response logs make and find again: nobody takes one before them, or the
# log's learner would be theirs.
LOG_PREFIX = "import-"
LAST_USED_GRAIN = timedelta(minutes=1)


def account_create(
    *,
    username: str,
    display_name: str,
    role: str = Role.LEARNER,
    password: str | None = None,
    is_simulated: bool = False,
) -> User:
    """Create an account; without a password nobody can log in to it.

    Raises:
        TutorError: code `username_taken` (in any spelling of capitals; what begins as the names of
            imported learners do is taken, too) or `unknown_role`.
    """
    if username.lower().startswith(LOG_PREFIX):
        raise TutorError(
            f"Usernames that begin with '{LOG_PREFIX}' are for learners of imported logs; choose "
            f"another.",
            code="username_taken",
        )
    if role not in Role.values:
        raise TutorError(
            f"'{role}' is no role; expected one of {', '.join(Role.values)}.", code="unknown_role"
        )
    user = User(username=username, display_name=display_name, role=role, is_simulated=is_simulated)
    user.is_staff = user.is_superuser = role == Role.ADMINISTRATOR
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise TutorError(
            f"The username '{username}' is taken; choose another.", code="username_taken"
        ) from error
    return user


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def token_create(
    user: User, *, name: str, scopes: Iterable[str], expires_at: datetime, now: datetime
) -> tuple[ApiToken, str]:
    """Create an API token; the text of it is returned once and never kept.

    Raises:
        TutorError: code `unknown_scope` or `token_expired`.
    """
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in Scope.values]
    if unknown or not wanted:
        raise TutorError(
            f"Scopes must be some of {', '.join(Scope.values)}; "
            f"got {', '.join(unknown) or 'none'}.",
            code="unknown_scope",
        )
    if expires_at <= now:
        raise TutorError(
            f"The token would have expired on {expires_at:%Y-%m-%d}; choose a later day.",
            code="token_expired",
        )
    plain = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=plain[: len(TOKEN_PREFIX) + 6],
        digest=_digest(plain),
        scopes=wanted,
        created_at=now,
        expires_at=expires_at,
    )
    audit_record(
        user,
        action="token_create",
        object_kind="token",
        object_id=str(token.uuid),
        detail={"scopes": wanted},
        now=now,
    )
    return token, plain


def token_find(plain: str, *, now: datetime) -> ApiToken | None:
    """Return the live token of this text, noting its use at most once a minute."""
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=_digest(plain), revoked_at=None, expires_at__gt=now, user__is_active=True)
        .first()
    )
    if token and (token.last_used_at is None or now - token.last_used_at >= LAST_USED_GRAIN):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def token_revoke(token: ApiToken, *, by: User | None, now: datetime) -> bool:
    """End a token at once; a second call changes nothing, and says so."""
    is_ended = bool(ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now))
    if is_ended:
        audit_record(
            by, action="token_revoke", object_kind="token", object_id=str(token.uuid), now=now
        )
    return is_ended


def tokens_revoke(user: User, *, by: User | None, now: datetime) -> int:
    """End every token of a person at once; return of how many."""
    live = list(ApiToken.objects.filter(user=user, revoked_at=None, expires_at__gt=now))
    return sum(token_revoke(token, by=by, now=now) for token in live)


@transaction.atomic
def password_set(user: User, *, password: str | None, by: User | None, now: datetime) -> int:
    """Give an account a password, None for one that nobody knows; return how many tokens it ended.

    A password is changed because somebody may have learned it, and a token that was made with it
    would be a way back in.
    """
    user.set_password(password)
    user.save(update_fields=["password"])
    n_ended = tokens_revoke(user, by=by, now=now)
    audit_record(
        by,
        action="password_set",
        object_kind="user",
        object_id=str(user.uuid),
        detail={"tokens_revoked": n_ended},
        now=now,
    )
    return n_ended


def audit_record(
    actor: User | None,
    *,
    action: str,
    object_kind: str = "",
    object_id: str = "",
    detail: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Append to the audit log. `detail` holds ids and counts, no answers and no names."""
    AuditEvent.objects.create(
        actor=actor,
        action=action,
        object_kind=object_kind,
        object_id=object_id,
        detail=dict(detail or {}),
        at=now,
    )
