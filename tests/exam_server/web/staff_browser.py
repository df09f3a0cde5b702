"""A browser in this process: keeps cookies, reads the forms it posts."""

import re
from typing import Any

import httpx
from fastapi.testclient import TestClient
from staff_world import PASSWORD, World

HERE = "https://exam.test"


class Browser:
    """A client that keeps cookies and reads the forms it posts."""

    def __init__(self, world: World) -> None:
        self.client = TestClient(
            world.app, base_url=HERE, follow_redirects=False, raise_server_exceptions=False
        )

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def token(self, path: str) -> str:
        """The CSRF token of a page's forms."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(path).text)
        assert found is not None, path
        return found.group(1)

    def post(
        self, path: str, *, page: str = "/", files: Any = None, **fields: str
    ) -> httpx.Response:
        """Sends a form of `page`, with that page's token."""
        data = {"csrf": self.token(page), **fields}
        return self.client.post(path, data=data, files=files)

    def sign_in(self, username: str, password: str = PASSWORD) -> httpx.Response:
        return self.post("/login", page="/login", login=username, password=password, next="/")
