"""The sealed packages on this station: fetched hours ahead, checked, of no use without a key."""

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path

from exam_server.contract import api, sealed_package
from exam_server.contract.errors import ContractError
from exam_station import durable
from exam_station.client import Client, ClientError, ServerUnreachableError
from exam_station.vault import Vault

log = logging.getLogger("exam_station")

FOLDER = "packages"


class Packages:
    """The sealed packages that lie on this station."""

    def __init__(self, data: Path, client: Client, vault: Vault) -> None:
        self._folder = data / FOLDER
        self._client = client
        self._vault = vault

    def stage(self, wanted: Iterable[api.PackageView]) -> frozenset[str]:
        """Fetches what is missing; gives the ids of all that are here, whole and signed.

        One that cannot be had leaves the others as they are.
        """
        views = tuple(wanted)
        here = {view.id for view in views if self._has(view)}
        for view in views:
            if view.id in here:
                continue
            try:
                if self._fetch(view):
                    here.add(view.id)
            except ServerUnreachableError:
                break  # nor will the next one come
            except (ClientError, ContractError, OSError) as error:
                log.warning("package %s could not be staged: %s", view.id, error)
        return frozenset(here)

    def sealed(self, package: str) -> bytes:
        """A package's sealed bytes, fetched now where it was not staged."""
        path = self._path(package)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            data = self._client.package(package)
            durable.write_file(path, data)
            return data

    def discard(self, package: str) -> None:
        """Takes a package away that did not open, so that it is fetched again."""
        self._path(package).unlink(missing_ok=True)

    def _path(self, package: str) -> Path:
        return self._folder / f"{durable.plain_name(package)}.sealed"

    def _has(self, view: api.PackageView) -> bool:
        try:
            data = self._path(view.id).read_bytes()
        except (OSError, ContractError):
            return False
        return hashlib.sha256(data).digest() == view.sha256

    def _fetch(self, view: api.PackageView) -> bool:
        data = self._client.package(view.id)
        if hashlib.sha256(data).digest() != view.sha256:
            return False
        try:
            header, _, _ = sealed_package.check(data, self._vault.server)
        except ContractError:
            return False
        if header.package != view.id or header.realm != self._vault.realm:
            return False
        durable.write_file(self._path(view.id), data)
        return True
