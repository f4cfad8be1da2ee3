"""The smallest Django site that could take an answer: it reads the session and inserts one row."""

import django
from django.conf import settings

from tutor import settings as site

settings.configure(
    DATABASES=site.DATABASES,
    SECRET_KEY=site.SECRET_KEY,
    ALLOWED_HOSTS=site.ALLOWED_HOSTS,
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    INSTALLED_APPS=["django.contrib.sessions", "tutor.common"],
    USE_TZ=True,
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

from tutor.common.clock import now_utc  # noqa: E402
from tutor.common.models import OutboxEntry  # noqa: E402


def insert(request: HttpRequest) -> HttpResponse:
    """Read the session, insert a row, say so."""
    learner = request.session["_auth_user_id"]
    now = now_utc()
    OutboxEntry.objects.create(
        topic="bare", payload={"learner": learner}, created_at=now, not_before=now
    )
    return HttpResponse("recorded")


urlpatterns = [path("", insert)]
application = get_wsgi_application()
