"""Django's admin pages carry the site's name."""

from collections.abc import Callable

from django.test import Client

from tests.world import World
from tutor.accounts.models import Role, User


def test_the_admin_pages_are_headed_stepwise(
    world: World, client_of: Callable[[User], Client]
) -> None:
    User.objects.filter(pk=world.tess.pk).update(role=Role.ADMINISTRATOR, is_staff=True)
    page = client_of(User.objects.get(pk=world.tess.pk)).get("/admin/").content.decode()
    assert "Django" not in page.split("<body")[1]
    assert "Stepwise" in page
