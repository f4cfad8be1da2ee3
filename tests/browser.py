"""A browser's part played by plain HTTP: forms, cookies, redirects. No JavaScript."""

import re
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

TOKEN = re.compile(r'name="attempt_token" value="([0-9a-f-]{36})"')
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
WAIT_SECONDS = 20.0


class Browser:
    """One person's browser: the page it shows, and where that is."""

    def __init__(self, port: int) -> None:
        self.page = ""
        self.path = ""
        self._root = f"http://127.0.0.1:{port}"
        self._opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))

    def login(self, username: str, *, password: str) -> None:
        """Log in by the form."""
        self.get("/login/")
        self.post("/login/", username=username, password=password)

    def get(self, path: str) -> str:
        """Open a page and return it."""
        return self._open(path, None)

    def post(self, path: str, **fields: str) -> str:
        """Send a form of the page that is shown; return the page that follows."""
        found = CSRF.search(self.page)
        assert found, self.page
        return self._open(path, urlencode(fields | {"csrfmiddlewaretoken": found[1]}).encode())

    def token(self) -> str:
        """The token that the deeds of the page carry."""
        found = TOKEN.search(self.page)
        assert found, self.page
        return found[1]

    def begin(self, course_uuid: str) -> str:
        """Begin or resume the sitting; return its address."""
        self.get(f"/learn/{course_uuid}/")
        self.post(f"/learn/{course_uuid}/start/")
        assert self.path.startswith("/practice/"), self.path
        return self.path

    def _open(self, path: str, data: bytes | None) -> str:
        with self._opener.open(self._root + path, data=data, timeout=WAIT_SECONDS) as response:
            self.page = response.read().decode()
            self.path = response.url.removeprefix(self._root).partition("#")[0]
        return self.page
