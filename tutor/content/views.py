"""Pages of the content room: imports, versions, pictures."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import (
    Http404,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.utils.http import parse_etags, quote_etag
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tutor.accounts.access import member_page, teacher_page
from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.content.access import (
    asset_for,
    can_author,
    course_for_author,
    course_for_teacher,
    import_job_for,
    import_jobs_of,
)
from tutor.content.exporting import ExportForm, bundle_write, course_export
from tutor.content.forms import ImportForm
from tutor.content.jobs import import_job_apply, import_job_create, roll_back_start
from tutor.content.models import Course, CourseVersion
from tutor.content.pages import job_page

JOBS_PER_PAGE = 20
# A picture's bytes under a checksum never change; under its name alone they may, with an import.
CACHE_FOR_EVER = "private, max-age=31536000, immutable"
CACHE_AND_ASK = "private, max-age=300, must-revalidate"


@require_http_methods(["GET", "HEAD", "POST"])
@teacher_page
def import_list(request: UserRequest) -> HttpResponseBase:
    """Show the upload form with earlier imports; take an upload."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        form = ImportForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                job = import_job_create(
                    form.cleaned_data["file"],
                    by=request.user,
                    format=form.cleaned_data["format"],
                    course=form.cleaned_data["course"],
                    is_dry_run=form.cleaned_data["is_dry_run"],
                    is_partial=form.cleaned_data["is_partial"],
                    now=now_utc(),
                )
            except TutorError as error:
                form.add_error("course", error.message)
            else:
                return redirect("import_detail", job.uuid)
    jobs = Paginator(import_jobs_of(request.user).defer("result", "errors", "notes"), JOBS_PER_PAGE)
    context = {
        "form": form,
        "jobs": jobs.get_page(request.GET.get("page")),
        "courses": Course.objects.all(),
    }
    status = 422 if form.is_bound else 200
    return render(request, "content/imports.html", context, status=status)


@require_GET
@teacher_page
def import_detail(request: UserRequest, job_uuid: UUID) -> HttpResponseBase:
    """Show an import: its progress while it runs, its result after."""
    page = job_page(import_job_for(request.user, job_uuid))
    template = "content/import.html#job" if request.htmx else "content/import.html"
    return render(request, template, {"page": page, "job": page.job})


@require_POST
@teacher_page
def import_apply(request: UserRequest, job_uuid: UUID) -> HttpResponseBase:
    """Import for real what a dry run has shown."""
    job = import_job_for(request.user, job_uuid)
    try:
        job = import_job_apply(job, by=request.user, now=now_utc())
    except TutorError as error:
        messages.error(request, error.message)
    return redirect("import_detail", job.uuid)


@require_GET
@teacher_page
def course_versions(request: UserRequest, course_uuid: UUID) -> HttpResponseBase:
    """List a course's versions, each of which can be brought back."""
    course = course_for_teacher(course_uuid)
    versions = (
        CourseVersion.objects.filter(course=course).defer("bundle_gz").select_related("created_by")
    )
    page = Paginator(versions, JOBS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"course": course, "versions": page, "forms": [form.value for form in ExportForm]}
    context["is_author"] = can_author(request.user, course)
    return render(request, "content/versions.html", context)


@require_POST
@teacher_page
def version_roll_back(request: UserRequest, course_uuid: UUID, number: int) -> HttpResponseBase:
    """Bring a course back to a version, as a job that its page follows."""
    course = course_for_author(request.user, course_uuid)
    try:
        job = roll_back_start(course, number, by=request.user, now=now_utc())
    except TutorError as error:
        messages.error(request, error.message)
        return redirect("course_versions", course.uuid)
    return redirect("import_detail", job.uuid)


@require_http_methods(["GET", "HEAD"])
@teacher_page
def course_download(request: UserRequest, course_uuid: UUID, form: str) -> HttpResponseBase:
    """Send a course as a bundle, in parts as it is written."""
    course = course_for_teacher(course_uuid)
    wanted = next((known for known in ExportForm if known.value == form), None)
    if wanted is None:
        raise Http404
    if request.method == "HEAD":
        return HttpResponse(content_type=wanted.media_type)
    parts = bundle_write(course_export(course), wanted)
    response = StreamingHttpResponse(parts, content_type=wanted.media_type)
    filename = f"{course.key}{wanted.suffix}"
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


@require_http_methods(["GET", "HEAD"])
@member_page
def course_asset(request: UserRequest, course_uuid: UUID, key: str) -> HttpResponseBase:
    """Send a picture of a course."""
    asset = asset_for(request.user, course_uuid, key)
    etag = quote_etag(asset.sha256)
    known = parse_etags(request.headers.get("If-None-Match", ""))
    response = (
        HttpResponseNotModified()
        if etag in known or "*" in known
        else HttpResponse(bytes(asset.data), content_type=asset.media_type)
    )
    response.headers["ETag"] = etag
    is_pinned = request.GET.get("v") == asset.sha256
    response.headers["Cache-Control"] = CACHE_FOR_EVER if is_pinned else CACHE_AND_ASK
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
