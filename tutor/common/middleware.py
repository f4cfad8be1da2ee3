"""Middleware of the whole site."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from tutor.common.http import HtmxRequest

# The frame of a form around its file; a little more than the largest import is refused in words.
FORM_BYTES = 1024 * 1024


class BodyLimitMiddleware:
    """Refuse a body that no page takes, before anything keeps it.

    Django writes uploads to disk while it looks for a form's token, so before it knows who sends
    them. A body without a length is no body to it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = str(request.META.get("CONTENT_LENGTH") or "")
        if length.isdigit() and int(length) > settings.MAX_UPLOAD_BYTES + FORM_BYTES:
            return HttpResponse(
                f"A body of {length} bytes is too large; expected at most "
                f"{settings.MAX_UPLOAD_BYTES // 1024**2} MB.\n",
                status=413,
                content_type="text/plain; charset=utf-8",
            )
        return self.get_response(request)


class HtmxMiddleware:
    """Keep caches from handing a fragment to a browser that asked for the page."""

    def __init__(self, get_response: Callable[[HtmxRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HtmxRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        return response
