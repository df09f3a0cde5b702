"""HTML to PDF by WeasyPrint, which is handed every picture and can fetch nothing.

Imported only where something is printed, since WeasyPrint loads Pango and the fonts.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping

from PIL import ImageFile
from weasyprint import HTML
from weasyprint.urls import URLFetcher, URLFetcherResponse

#: (type, bytes) of each picture, by its URL in the page.
Given = Mapping[str, tuple[str, bytes]]

# WeasyPrint lets Pillow take pictures that were cut off, everywhere in the process. A portrait must
# be whole.
ImageFile.LOAD_TRUNCATED_IMAGES = False
# What it could not show we say ourselves, and of which item; CSS that it skips is our own.
logging.getLogger("weasyprint").setLevel(logging.CRITICAL)


class _Fetcher(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
    """Gives what it was given; any other address, on a network or a disk, is refused and told."""

    def __init__(self, pictures: Given, refused: Callable[[str], None]) -> None:
        super().__init__(allowed_protocols=())
        self._pictures = pictures
        self._refused = refused

    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:  # noqa: ARG002 - its caller's
        if url not in self._pictures:
            self._refused(url)
            raise ValueError("nothing but the items' own pictures is read")
        mime, data = self._pictures[url]
        return URLFetcherResponse(url, data, {"Content-Type": mime})


def rendered(html: str, pictures: Given, refused: Callable[[str], None]) -> bytes:
    """The PDF, tagged for readers aloud; the same bytes for the same page."""
    document = HTML(string=html, url_fetcher=_Fetcher(pictures, refused), base_url="media:")
    identifier = hashlib.sha256(html.encode()).digest()[:16]
    return bytes(document.write_pdf(pdf_identifier=identifier, pdf_tags=True))
