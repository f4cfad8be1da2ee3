"""Request types of pages behind the login."""

from tutor.accounts.models import User
from tutor.common.http import HtmxRequest


class UserRequest(HtmxRequest):
    """A request of somebody who is logged in."""

    user: User
