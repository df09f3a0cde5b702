"""The staff's pages: server-rendered, Vietnamese first."""

from pathlib import Path

from fastapi import FastAPI

STATIC_FOLDER = Path(__file__).parent / "static"


def mount(app: FastAPI) -> None:
    """Adds all pages to `app`, whose `state.server` must be set."""
    # Here, so that importing one page's module does not import all of them.
    from starlette.staticfiles import StaticFiles

    from exam_server.attempts.conflict_pages import pages as conflicts
    from exam_server.attempts.pages import pages as records
    from exam_server.auth import AddressThrottle
    from exam_server.checkin.pages import pages as checkin
    from exam_server.grading.marking_pages import pages as marking
    from exam_server.items.alike_pages import pages as alike
    from exam_server.items.bulk_pages import pages as bulk
    from exam_server.items.import_pages import pages as importing
    from exam_server.items.pages import pages as items
    from exam_server.items.writing_pages import pages as writing
    from exam_server.proctoring.announcing import announce_commits
    from exam_server.proctoring.events import LiveEvents
    from exam_server.proctoring.moving_pages import pages as moving
    from exam_server.proctoring.pages import pages as proctoring
    from exam_server.proctoring.time_pages import pages as time
    from exam_server.results.pages import pages as results
    from exam_server.shifts.codes_pages import pages as codes
    from exam_server.shifts.freezing_pages import pages as freezing
    from exam_server.shifts.pages import pages as shifts
    from exam_server.stations.pages import pages as stations
    from exam_server.trust.pages import pages as trust
    from exam_server.web import failures
    from exam_server.web.audit_page import pages as audit
    from exam_server.web.headers import SecurityHeaders
    from exam_server.web.login_page import pages as login

    app.state.throttle = AddressThrottle(app.state.server.settings.workers)
    app.state.live = LiveEvents()
    app.state.stop_announcing = announce_commits(app.state.server.engine, app.state.live)
    of_rooms = (login, proctoring, moving, time, records, conflicts, checkin)
    of_shifts = (freezing, shifts, codes)
    of_items = (items, writing, importing, bulk, alike)
    for pages in (*of_rooms, *of_shifts, *of_items, marking, results, stations, trust, audit):
        app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=STATIC_FOLDER), name="static")
    app.add_middleware(SecurityHeaders)
    failures.install(app)
