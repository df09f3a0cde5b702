"""Work on many items at once, from the list: begin it, watch it, take it back."""

from functools import partial

from fastapi.responses import Response
from starlette.background import BackgroundTask

from exam_server.access import Permission
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import asking, bulk, bulk_files, finding
from exam_server.items.bulk import Value
from exam_server.items.bulk_models import Outcome, Task
from exam_server.items.downloads import download
from exam_server.items.problem_words import said
from exam_server.items.rights import rights_of
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visit, Visiting

pages = Pages()
FIELDS = finding.PAGE_SIZE + 20
#: How many remarks and refused items a page tells. What was left out of a file it tells in full.
SHOWN = 30


@pages.get("/bank/jobs", Permission.SEE_ITEMS)
def jobs(visit: Visiting) -> Response:
    with visit.server.reading() as session:
        recent = bulk.recent(session, visit.signed_in)
    return page(visit, "bank_jobs.html", recent=recent)


@pages.post("/bank/jobs", Permission.SEE_ITEMS, fields=FIELDS)
def begin(visit: Visiting) -> Response:
    """For the chosen items, or for all that the list's own search finds."""
    task = visit.choice("task", Task)
    if task is None:
        raise NotPossibleError(Objection.BAD_VALUE, "choose what is to be done")
    value = Value(
        subject=" ".join(visit.field("to_subject").split())[:100] if task is Task.MOVE else "",
        topic=" ".join(visit.field("to_topic").split())[:200] if task is Task.MOVE else "",
        tag=" ".join(visit.field("put_tag").split())[: bulk.MAX_TAG] if task is Task.TAG else "",
        reason=visit.field("reason")[:4000] if task is Task.RETIRE else "",
        form=visit.field("format") if task is Task.EXPORT else "",
    )
    sealing = visit.server.sealing
    with visit.server.transaction() as session:
        rights = rights_of(session, visit.signed_in)
        if visit.field("scope") == "all":
            wanted = asking.wanted_of(visit.request.query_params, visit.signed_in.id)
            texts = visit.server.texts
            items = finding.ids(session, rights, wanted, texts, sealing=sealing)
        else:
            items = [one for one in visit.form.getlist("item") if isinstance(one, str)]
        job = bulk.begin(
            session, visit.signed_in, task, items, value, sealing=sealing, now=visit.now()
        )
    return at_work(visit, job)


def at_work(visit: Visit, job: str) -> Response:
    """To the job's page; the work itself begins when that is on its way."""
    answer = visit.go(f"/bank/jobs/{job}")
    server = visit.server
    work = partial(bulk.carry_on, sealing=server.sealing, clock=server.clock)
    answer.background = BackgroundTask(work, server.engine, visit.signed_in, job)
    return answer


@pages.get("/bank/jobs/{job}", Permission.SEE_ITEMS)
def job_page(visit: Visiting, job: str) -> Response:
    with visit.server.reading() as session:
        row = bulk.job_of(session, visit.signed_in, job)
        progress = bulk.progress(session, row)
        file = bulk_files.kept(session, row, sealing=visit.server.sealing, now=visit.now())
        form = bulk.value_of(row, visit.server.sealing).form
    problems = file.problems if file else ()
    counts = {outcome.value: progress.counts[outcome] for outcome in Outcome}
    return page(
        visit,
        "bank_job.html",
        job=row,
        progress=progress,
        counts=counts,
        ready=progress.total - progress.left,
        may_undo=progress.may_be_undone(visit.now()),
        until=row.begun_at + bulk.UNDO_FOR,
        exports=row.task is Task.EXPORT,
        form=form,
        file=file,
        told=[(said(visit.language, one), one.severity) for one in problems[:SHOWN]],
        more=max(len(problems) - SHOWN, 0),
        shown=bulk_files.MOST if row.task is Task.EXPORT else SHOWN,
    )


@pages.post("/bank/jobs/{job}", Permission.SEE_ITEMS)
def change(visit: Visiting, job: str) -> Response:
    """Carries on what was left behind, takes back what was done, or gives the file out."""
    server, act = visit.server, visit.field("act")
    with server.reading() as session:
        bulk.job_of(session, visit.signed_in, job)
    if act == "take":
        return _take(visit, job)
    if act not in ("carry_on", "undo"):
        raise NotPossibleError(Objection.BAD_VALUE, "carry on, undo or take")
    if act == "undo":
        with server.transaction() as session:
            bulk.begin_undo(session, visit.signed_in, job, now=visit.now())
    return at_work(visit, job)


def _take(visit: Visit, job: str) -> Response:
    server, officer = visit.server, visit.signed_in
    with server.transaction() as session:
        row = bulk.job_of(session, officer, job, lock=True)
        form = bulk.value_of(row, server.sealing).form
        left_out = [(name, why) for _, name, why in bulk.progress(session, row).refused]
        taken = bulk_files.take(
            session, officer, row, form, sealing=server.sealing, now=visit.now()
        )
    return download(visit, taken, left_out)
