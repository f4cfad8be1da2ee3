"""Addresses of this room."""

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, path

from tutor.accounts import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("login/", views.LoginPage.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/", views.profile, name="profile"),
    path("account/password/", views.PasswordPage.as_view(), name="password_change"),
    path("account/tokens/", views.token_new, name="token_new"),
    path("account/tokens/<uuid:token_uuid>/revoke/", views.token_end, name="token_end"),
]
