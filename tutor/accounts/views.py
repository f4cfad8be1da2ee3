"""Logging in and out, the own account, and the own API tokens."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from tutor.accounts.access import member_page, teacher_page
from tutor.accounts.forms import LoginForm, TokenForm
from tutor.accounts.http import UserRequest
from tutor.accounts.models import ApiToken
from tutor.accounts.services import password_set, token_create, token_revoke
from tutor.common.clock import now_utc
from tutor.common.http import HtmxRequest


class LoginPage(LoginView):
    """Log in, then go on to where one was sent from."""

    authentication_form = LoginForm
    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # A fragment's request followed the redirect here: move the whole page, not the fragment.
        if isinstance(request, HttpRequest) and getattr(request, "htmx", None):
            here = request.htmx.current_url_abs_path or reverse("home")  # type: ignore[attr-defined]
            return HttpResponseClientRedirect(f"{reverse('login')}?{urlencode({'next': here})}")
        return super().dispatch(request, *args, **kwargs)

    def render_to_response(self, context: dict[str, Any], **response_kwargs: Any) -> HttpResponse:
        if context["form"].errors:
            response_kwargs["status"] = 422
        context["has_kept_answer"] = "kept_answer" in self.request.session
        return super().render_to_response(context, **response_kwargs)


@method_decorator(never_cache, name="dispatch")
class PasswordPage(PasswordChangeView):
    """Change the own password."""

    template_name = "accounts/password.html"
    success_url = reverse_lazy("profile")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        live = ApiToken.objects.filter(
            user__username=self.request.user.get_username(),
            revoked_at=None,
            expires_at__gt=now_utc(),
        )
        return super().get_context_data(n_tokens=live.count(), **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.user
        n_ended = password_set(
            user, password=form.cleaned_data["new_password1"], by=user, now=now_utc()
        )
        update_session_auth_hash(self.request, user)
        said = _("Your password is changed.")
        if n_ended:
            said += " " + ngettext(
                "{count} API token ended with the old one.",
                "{count} API tokens ended with the old one.",
                n_ended,
            ).format(count=n_ended)
        messages.success(self.request, said)
        return redirect(self.get_success_url())

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


@require_GET
@never_cache
def home(request: HtmxRequest) -> HttpResponse:
    """Send people to the page that is theirs."""
    user = request.user
    if not user.is_authenticated:
        return redirect("login")
    return redirect("learner_home" if user.is_learner else "teach:classrooms")


def _profile_context(request: UserRequest, form: TokenForm | None) -> dict[str, Any]:
    if not request.user.is_teacher:
        enrolments = request.user.enrolments.filter(left_at=None, classroom__is_archived=False)
        return {
            "form": None,
            "tokens": [],
            "enrolments": enrolments.select_related("classroom__course").order_by("pk"),
        }
    tokens = ApiToken.objects.filter(user=request.user, revoked_at=None).order_by("-created_at")
    return {"form": form or TokenForm(user=request.user), "tokens": tokens, "now": now_utc()}


@require_GET
@member_page
def profile(request: UserRequest) -> HttpResponse:
    """Show the own account, and to teachers their API tokens."""
    return render(request, "accounts/profile.html", _profile_context(request, None))


@sensitive_post_parameters()
@require_POST
@never_cache
@teacher_page
def token_new(request: UserRequest) -> HttpResponse:
    """Create a token and show its text, this once."""
    form = TokenForm(request.POST, user=request.user)
    if not form.is_valid():
        return render(request, "accounts/profile.html", _profile_context(request, form), status=422)
    now = now_utc()
    token, plain = token_create(
        request.user,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        expires_at=form.expires_at(now=now),
        now=now,
    )
    context = _profile_context(request, None) | {"new_token": token, "plain": plain}
    return render(request, "accounts/profile.html", context, status=201)


@require_POST
@teacher_page
def token_end(request: UserRequest, token_uuid: UUID) -> HttpResponse:
    """Revoke one of the own tokens."""
    token = get_object_or_404(ApiToken, uuid=token_uuid, user=request.user)
    token_revoke(token, by=request.user, now=now_utc())
    messages.success(request, _("The token '%(name)s' is revoked.") % {"name": token.name})
    return redirect("profile")
