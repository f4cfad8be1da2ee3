"""Every environment variable that Stepwise reads, in one list; read once, checked by name.

A malformed value, or a `STEPWISE_*` variable that nobody reads, stops start-up and is named.
`docs/settings.md` documents the same list; a test holds the two together.
"""

import difflib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
PREFIX = "STEPWISE_"
# The operating system refuses a longer path for a Unix socket (108 bytes with its end mark).
SOCKET_PATH_BYTES = 100


class BadValueError(ValueError):
    """A value that cannot be used; its text is what was expected."""


def _flag(raw: str) -> bool:
    lowered = raw.strip().lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off"}:
        return False
    raise BadValueError("one of 1, 0, true, false, yes, no, on, off")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        try:
            value = int(raw)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise BadValueError(f"a whole number from {low} to {high}")
        return value

    return parse


def _words(raw: str) -> list[str]:
    return [word.strip() for word in raw.split(",") if word.strip()]


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw not in allowed:
            raise BadValueError("one of " + ", ".join(allowed))
        return raw

    return parse


def _zone(raw: str) -> str:
    try:
        ZoneInfo(raw)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadValueError("a time zone name such as Europe/Berlin") from error
    return raw


def _secret(raw: str) -> str:
    if len(raw) < 32:
        raise BadValueError("at least 32 random characters")
    return raw


def _database(raw: str) -> dict[str, Any]:
    parts = urlsplit(raw)
    if parts.scheme not in {"sqlite", "postgres", "postgresql"} or not (parts.path or parts.netloc):
        raise BadValueError("sqlite:///path or postgres://user:password@host:port/name")
    return dict(environ.Env.db_url_config(raw))


def _broker(raw: str) -> str:
    if urlsplit(raw).scheme not in {"redis", "rediss", "unix"}:
        raise BadValueError("redis://host:port/0, rediss://host:port/0 or unix:///path/to/socket")
    return raw


def _origins(raw: str) -> list[str]:
    origins = _words(raw)
    if any(urlsplit(origin).scheme not in {"http", "https"} for origin in origins):
        raise BadValueError("origins such as https://school.example, separated by commas")
    return origins


@dataclass(frozen=True)
class Setting:
    """One environment variable: its name, how it is read, and its default as it would be typed."""

    name: str
    parse: Callable[[str], Any]
    default: str | None
    help: str


SETTINGS = (
    Setting("STEPWISE_DEBUG", _flag, "0", "Show error pages with details; never in production."),
    Setting("STEPWISE_SECRET_KEY", _secret, None, "Signs sessions; made and kept in the var directory when unset."),
    Setting("STEPWISE_ALLOWED_HOSTS", _words, "localhost,127.0.0.1,[::1]", "Host names that the site answers to."),
    Setting("STEPWISE_TRUSTED_ORIGINS", _origins, "", "Origins whose forms are accepted, where a proxy changes the host."),
    Setting("STEPWISE_HTTPS", _flag, "0", "The site is reached over HTTPS: secure cookies, redirect, HSTS."),
    Setting("STEPWISE_BEHIND_PROXY", _flag, "0", "Trust X-Forwarded-Proto and X-Forwarded-For from the proxy in front."),
    Setting("STEPWISE_VAR_DIR", Path, str(BASE_DIR / "var"), "Where the embedded database, broker, uploads and logs live."),
    Setting("STEPWISE_TIME_ZONE", _zone, "UTC", "The school's time zone: days, streaks and caps follow it."),
    Setting("STEPWISE_HOST", str, "127.0.0.1", "Address that the web server listens on."),
    Setting("STEPWISE_PORT", _whole(1, 65535), "8000", "Port that the web server listens on."),
    Setting("STEPWISE_WEB_PROCESSES", _whole(1, 64), "2", "Web server processes."),
    Setting("STEPWISE_WEB_THREADS", _whole(1, 64), "4", "Threads in each web server process."),
    Setting("STEPWISE_LOG_LEVEL", _one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "How much is logged."),
    Setting("STEPWISE_MAX_UPLOAD_MB", _whole(1, 4096), "100", "Largest file that an import accepts, in megabytes."),
    Setting("STEPWISE_DATA", Path, "../shared", "Response logs and course content for tests and benchmarks."),
    Setting("DATABASE_URL", _database, None, "Database; SQLite in the var directory when unset."),
    Setting("REDIS_URL", _broker, None, "Broker and cache; the embedded server's socket when unset."),
    Setting("STEPWISE_FIT_MEMORY_MB", _whole(256, 1_000_000), "6000", "Memory that one fit may use, in megabytes."),
    Setting("STEPWISE_FIT_MINUTES", _whole(1, 110), "100", "Time that one fit may take, in minutes."),
    Setting("STEPWISE_ERASURE", _one_of("delete", "keep"), "delete", "What becomes of an erased learner's responses: deleted, or kept under a random key."),
    Setting("KT_DEVICE", _one_of("auto", "cpu", "cuda"), "auto", "Where models are fitted."),
)  # fmt: skip


def settings_read(environment: Mapping[str, str]) -> dict[str, Any]:
    """Read every setting from the environment.

    Raises:
        ImproperlyConfigured: naming each variable that is malformed or unknown.
    """
    known = {setting.name for setting in SETTINGS}
    problems = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            problems.append(
                f"{name} is not a setting" + (f"; did you mean {near[0]}?" if near else "")
            )
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        raw = environment.get(setting.name, setting.default)
        try:
            values[setting.name] = None if raw is None else setting.parse(raw)
        except BadValueError as error:
            shown = "the value given" if setting.name == "STEPWISE_SECRET_KEY" else repr(raw)
            problems.append(f"{setting.name}: {shown} cannot be used, expected {error}")
    if problems:
        raise ImproperlyConfigured("; ".join(problems))
    return values


def secret_key_load(var_dir: Path) -> str:
    """Return the secret key kept in the var directory, making one on first use."""
    path = var_dir / "secret_key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        # Children's answers lie in it: closed to the other users of the machine from the start.
        var_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = secrets.token_urlsafe(64)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text().strip()
        with os.fdopen(descriptor, "w") as file:
            file.write(key)
        return key


def embedded_socket(var_dir: Path) -> Path:
    """Return the embedded broker's socket, short enough for the operating system."""
    path = var_dir.resolve() / "broker" / "valkey.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"stepwise-{os.getuid()}-{digest}" / "valkey.sock"
