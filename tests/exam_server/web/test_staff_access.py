"""Every route has its permission, every role exactly its own, and nothing is open by mistake."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from staff_browser import Browser
from staff_world import STAFF, World

from exam_server.access import GRANTED, Permission, allowed
from exam_server.staff import Role
from exam_server.stations.gate import authenticated
from exam_server.web.visit import Needs, Pages

#: What answers without anybody's session or signature, and why.
OPEN = {
    "/health": "monitoring; says nothing but that the process answers",
    "/ready": "monitoring; says of each thing the server needs whether it is there",
    "/api/station/enrolment": "signed with the key it brings, and needs a one-time secret",
}


#: What the page says that refuses a form without its token.
FORM_REFUSED = "chưa có gì được thực hiện"


def _routes(app: FastAPI) -> Iterator[APIRoute]:
    for context in app.routes:
        yield from _inside(context)


def _inside(route: object) -> Iterator[APIRoute]:
    if isinstance(route, APIRoute):
        yield route
    inner = getattr(route, "original_router", None)
    for one in getattr(inner, "routes", ()):
        yield from _inside(one)


def _needs(route: APIRoute) -> list[Permission]:
    found = [dependency.dependency for dependency in route.dependencies]
    return [one.permission for one in found if isinstance(one, Needs)]


def _signed(app: FastAPI, route: APIRoute) -> bool:
    own = [dependency.call for dependency in route.dependant.dependencies]
    inherited = [dependency.dependency for dependency in _router_dependencies(app, route)]
    return authenticated in (*own, *inherited)


def _router_dependencies(app: FastAPI, route: APIRoute) -> list[Any]:
    for context in app.routes:
        inner = getattr(context, "original_router", None)
        if inner is not None and route in inner.routes:
            return list(inner.dependencies)
    return []


def test_every_route_is_a_page_with_one_permission_or_signed_or_listed(world: World) -> None:
    routes = list(_routes(world.app))
    assert len(routes) > 35
    for route in routes:
        if route.path in OPEN:
            continue
        if route.path.startswith("/api/station/"):
            assert _signed(world.app, route), route.path
        else:
            assert len(_needs(route)) == 1, route.path


def test_a_page_cannot_be_declared_without_a_permission() -> None:
    with pytest.raises(TypeError):
        Pages().get("/somewhere")


def test_the_table_names_every_role_and_nobody_else_has_anything() -> None:
    assert set(GRANTED) == {None, *Role}
    assert GRANTED[None] == {Permission.SIGN_IN}
    for permission in set(Permission) - {Permission.SIGN_IN}:
        assert not allowed(None, permission)
    granted = frozenset().union(*GRANTED.values())
    assert granted == set(Permission)


def _page_paths(world: World) -> Iterator[tuple[str, str, Permission]]:
    values = {
        "shift": world.shift,
        "room": world.room,
        "placement": world.placements[0],
        "checkin": "0" * 32,
        "picture": "0" * 32,
        "attempt": "0" * 32,
        "step": "open",
        "code": "room",
        "item": "0" * 32,
        "export": "0" * 32,
        "job": "0" * 32,
        "bring": "0" * 32,
        "version": "1",
        "media": "m1",
        "place": "0",
        "other": "1" * 32,
    }
    for route in _routes(world.app):
        needs = _needs(route)
        if needs and not route.path.endswith("/events"):
            for method in route.methods:
                yield method, route.path.format(**values), needs[0]


def test_without_a_session_every_page_leads_to_the_sign_in(world: World, browser: Browser) -> None:
    for method, path, permission in _page_paths(world):
        if permission is Permission.SIGN_IN:
            continue
        data = {"csrf": "guess"} if method == "POST" else None
        answer = browser.client.request(method, path, data=data)
        assert answer.status_code == 303, (method, path)
        assert answer.headers["location"].startswith("/login"), (method, path)


@pytest.mark.parametrize("username", sorted(STAFF))
def test_a_role_reaches_its_own_pages_and_no_others(
    world: World, signed_in: Callable[[str], Browser], username: str
) -> None:
    browser, role = signed_in(username), STAFF[username][1]
    for method, path, permission in _page_paths(world):
        # Without a token, a POST that the role allows stops at the form's own check.
        data = {"csrf": "guess"} if method == "POST" else None
        answer = browser.client.request(method, path, data=data)
        forbidden = answer.status_code == 403
        if not allowed(role, permission):
            assert forbidden and FORM_REFUSED not in answer.text, (method, path)
        elif method == "POST":
            assert forbidden and FORM_REFUSED in answer.text, (method, path)
        else:
            assert not forbidden, (method, path)
