"""Passwords that the site makes up, and new ones that a teacher hands out."""

import secrets
from datetime import datetime

from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hasher, make_password

from tutor.accounts.models import User
from tutor.accounts.services import password_set

# Syllables that are read out and typed without mistakes: no letter that looks like another.
CONSONANTS = "bdfghkmnprstvz"
VOWELS = "aeiou"
SYLLABLES = 6
# About 43 bits of chance need no million rounds of hashing, and a class of 30 is made in a moment.
# The first log-in brings the hash up to the site's full cost (Django does).
ROUNDS_OF_MADE = 50_000


def password_make() -> str:
    """Return a new random password such as `bamo-kiru-teso-47`."""
    letters = [
        secrets.choice(CONSONANTS) + secrets.choice(VOWELS) for _syllable in range(SYLLABLES)
    ]
    pairs = ["".join(letters[at : at + 2]) for at in range(0, SYLLABLES, 2)]
    return "-".join([*pairs, f"{secrets.randbelow(90) + 10}"])


def password_hash_made(plain: str) -> str:
    """Return the hash of a password from `password_make`, at a lower cost than a person's own."""
    hasher = get_hasher()
    if isinstance(hasher, PBKDF2PasswordHasher):
        return hasher.encode(plain, hasher.salt(), iterations=ROUNDS_OF_MADE)
    return make_password(plain)


def password_renew(user: User, *, by: User, now: datetime) -> str:
    """Give an account a new password and return it, this once.

    Whoever is logged in to the account is logged out: sessions hang on the old hash.
    """
    plain = password_make()
    password_set(user, password=plain, by=by, now=now)
    return plain
