"""The sealed packages on this station: fetched hours ahead, checked, of no use without a key."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from exam_server.contract import api, sealed_package
from exam_server.contract.errors import ContractError
from exam_station import durable
from exam_station.client import Client
from exam_station.vault import Vault

FOLDER = "packages"


class Packages:
    """The sealed packages that lie on this station."""

    def __init__(self, data: Path, client: Client, vault: Vault) -> None:
        self._folder = data / FOLDER
        self._client = client
        self._vault = vault

    def stage(self, wanted: Iterable[api.PackageView]) -> frozenset[str]:
        """Fetches what is missing; gives the ids of all that are here, whole and signed.

        Raises ClientError and OSError.
        """
        return frozenset(view.id for view in wanted if self._has(view) or self._fetch(view))

    def sealed(self, package: str) -> bytes:
        """A package's sealed bytes, fetched now where it was not staged."""
        path = self._path(package)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            data = self._client.package(package)
            durable.write_file(path, data)
            return data

    def _path(self, package: str) -> Path:
        return self._folder / f"{durable.plain_name(package)}.sealed"

    def _has(self, view: api.PackageView) -> bool:
        path = self._path(view.id)
        return path.is_file() and hashlib.sha256(path.read_bytes()).digest() == view.sha256

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
