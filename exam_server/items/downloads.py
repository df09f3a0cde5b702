"""A file of items as a browser takes it; with it, what its format cannot carry."""

import io
import zipfile
from collections.abc import Sequence

from fastapi.responses import Response

from exam_server.items.exports import Taken
from exam_server.items.problem_words import said
from exam_server.web.visit import Visit

PACKAGE = "application/zip"
NOTES = "khong-xuat-duoc.txt"


def download(visit: Visit, taken: Taken, left_out: Sequence[tuple[str, str]] = ()) -> Response:
    """The file; where its format does not carry all of its items, or some that were asked for are
    `left_out` (name and objection of each), a zip file with a text beside it that says what."""
    plain = "".join(s if s.isascii() and s.isalnum() else "-" for s in taken.name)[:80]
    name, mime, data = f"{plain}{taken.suffix}", taken.mime, taken.data
    told = [(one, visit.word("objection", objection)) for one, objection in left_out]
    for problem in taken.problems:
        one = said(visit.language, problem)
        told.append((one.element, one.message))
    if told:
        lines = "".join(f"{about}: {message}\n" for about, message in told)
        data = _zipped({name: data, NOTES: lines.encode("utf-8-sig")})
        name, mime = f"{plain}.zip", PACKAGE
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=mime, headers=headers)


def _zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()
