"""The audit log, for administrators."""

from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tutor.accounts.access import administrator_page
from tutor.accounts.http import UserRequest
from tutor.dashboards.audit import AuditForm, audit_page


@require_safe
@administrator_page
def audit_log(request: UserRequest) -> HttpResponse:
    """Show the log, newest first, by who, whom, what and when."""
    try:
        before = int(request.GET["before"]) if "before" in request.GET else None
    except ValueError as error:
        raise Http404 from error
    form = AuditForm(request.GET or None)
    is_valid = not form.is_bound or form.is_valid()
    asked = form.cleaned_data if form.is_bound and is_valid else {}
    page = audit_page(asked, before=before) if is_valid else None
    query = {name: value for name, value in request.GET.items() if name != "before" and value}
    if page and page.before:
        query["before"] = str(page.before)
    context = {
        "form": form,
        "page": page,
        "older": f"?{urlencode(query)}",
        "is_first": before is None,
        "is_filtered": any(asked.values()),
    }
    return render(request, "dashboards/audit.html", context, status=200 if is_valid else 422)
