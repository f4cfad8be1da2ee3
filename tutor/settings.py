"""Django settings: one file, filled from the environment by `tutor.env`."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
from celery.schedules import crontab
from csp.constants import NONE, SELF

from tutor.env import BASE_DIR, embedded_socket, secret_key_load, settings_read

# Lets admin classes and the like name their model to the type checker.
django_stubs_ext.monkeypatch()

ENV = settings_read(os.environ)
TESTING = "pytest" in sys.modules
VAR_DIR: Path = ENV["STEPWISE_VAR_DIR"]

DEBUG: bool = ENV["STEPWISE_DEBUG"]
SECRET_KEY: str = ENV["STEPWISE_SECRET_KEY"] or secret_key_load(VAR_DIR)
ALLOWED_HOSTS: list[str] = ENV["STEPWISE_ALLOWED_HOSTS"]
CSRF_TRUSTED_ORIGINS: list[str] = ENV["STEPWISE_TRUSTED_ORIGINS"]

INSTALLED_APPS = [
    # First, since it has its own `changepassword`.
    "tutor.accounts",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "template_partials",
    "tutor.common",
    "tutor.content",
    "tutor.roster",
    "tutor.responses",
    "tutor.tracing",
    "tutor.scheduling",
    "tutor.practice",
    "tutor.dashboards",
    "tutor.api",
    "tutor.operations",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "tutor.common.middleware.BodyLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tutor.common.middleware.HtmxMiddleware",
    "tutor.accounts.auditing.AuditMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "tutor.urls"
WSGI_APPLICATION = "tutor.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {
    "default": ENV["DATABASE_URL"]
    or {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR_DIR / "stepwise.sqlite3"}
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # NORMAL in WAL mode survives a killed process; a power cut can lose the last moments.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

EMBEDDED_SOCKET = embedded_socket(VAR_DIR)
REDIS_URL: str = ENV["REDIS_URL"] or f"unix://{EMBEDDED_SOCKET}"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 8},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
# A class shares one address: a child's mistakes lock that child's name there, never the class.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=5)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "accounts/locked.html"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = ENV["STEPWISE_HTTPS"]
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if ENV["STEPWISE_HTTPS"] else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
# Health is asked from inside, past the proxy, without HTTPS; it tells strangers one word.
SECURE_REDIRECT_EXEMPT = [r"^health/$"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
BEHIND_PROXY: bool = ENV["STEPWISE_BEHIND_PROXY"]
AXES_CLIENT_IP_CALLABLE = "tutor.common.http.client_address"
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "tutor" / "locale"]
TIME_ZONE: str = ENV["STEPWISE_TIME_ZONE"]
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "tutor" / "static"]
MEDIA_ROOT = VAR_DIR / "media"
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG or TESTING
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
MAX_UPLOAD_BYTES: int = ENV["STEPWISE_MAX_UPLOAD_MB"] * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
# The editor of a problem with many steps and hints has more fields than Django's thousand.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
FILE_UPLOAD_PERMISSIONS = 0o600

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 60 * 60
# Longer than any task, or the broker would hand a running task to a second worker.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 2 * 60 * 60,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    # A page must not wait for a broker that is down: kombu would try for ever otherwise, also
    # where a task is sent with retry=False. The outbox's sweep makes up for it.
    "max_retries": 0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = TIME_ZONE


def _periodic(
    task: str, schedule: crontab | float, *, expires: float, queue: str = "default"
) -> dict[str, Any]:
    """What beat sends, for workers to drop when the next one comes: none piles up behind them."""
    return {
        "task": f"tutor.{task}",
        "schedule": schedule,
        "options": {"expires": expires, "queue": queue},
    }


# A night's task that no worker took by the morning waits for the next night.
NIGHT_SECONDS = 6 * 60 * 60.0
CELERY_BEAT_SCHEDULE = {
    "outbox-sweep": _periodic("common.tasks.outbox_sweep_task", 10.0, expires=10.0),
    "sessions-clear": _periodic(
        "common.tasks.sessions_clear_task", crontab(hour=1, minute=31), expires=NIGHT_SECONDS
    ),
    "imports-reap": _periodic("content.tasks.imports_reap_task", 20.0, expires=20.0),
    "response-imports-reap": _periodic(
        "tracing.tasks.response_imports_reap_task", 20.0, expires=20.0
    ),
    "states-verify": _periodic(
        "tracing.tasks.states_verify_task",
        crontab(hour=2, minute=17),
        expires=NIGHT_SECONDS,
        queue="replay",
    ),
    "drifts-measure": _periodic(
        "tracing.tasks.drifts_measure_task",
        crontab(hour=2, minute=43),
        expires=NIGHT_SECONDS,
        queue="replay",
    ),
    "fits-nightly": _periodic(
        "tracing.tasks.fits_nightly_task", crontab(hour=3, minute=0), expires=NIGHT_SECONDS
    ),
    "fits-volume": _periodic("tracing.tasks.fits_volume_task", 600.0, expires=600.0),
    "fits-reap": _periodic("tracing.tasks.fits_reap_task", 15.0, expires=15.0),
    # It loads what serves, as that queue's workers do anyway.
    "versions-check": _periodic(
        "tracing.tasks.versions_check_task", 60.0, expires=60.0, queue="predict"
    ),
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tutor.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["tutor.api.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["tutor.api.throttles.TokenThrottle"],
    "DEFAULT_THROTTLE_RATES": {"token": "600/min"},
    "EXCEPTION_HANDLER": "tutor.api.problems.problem_response",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Stepwise API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "ENFORCE_NON_BLANK_FIELDS": True,
    "ENUM_NAME_OVERRIDES": {
        "ImportStatusEnum": "tutor.content.models.ImportStatus",
        "FitStatusEnum": "tutor.tracing.models.FitStatus",
        "VersionStatusEnum": "tutor.tracing.models.VersionStatus",
        "ImportFormatEnum": "tutor.content.models.ImportFormat",
        "PromotionStatusEnum": "tutor.tracing.models.PromotionStatus",
    },
}

KT_DEVICE: str = ENV["KT_DEVICE"]
ERASURE: str = ENV["STEPWISE_ERASURE"]
FIT_MEMORY_MB: int = ENV["STEPWISE_FIT_MEMORY_MB"]
FIT_MINUTES: int = ENV["STEPWISE_FIT_MINUTES"]
DATA_DIR: Path = (
    ENV["STEPWISE_DATA"] if ENV["STEPWISE_DATA"].is_absolute() else BASE_DIR / ENV["STEPWISE_DATA"]
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": ENV["STEPWISE_LOG_LEVEL"]},
}
