"""How a form is opened: by the start signal and the room kit, or by the server's answer."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from exam_server.contract import api, sealed_package
from exam_server.contract.errors import ContractError
from exam_server.contract.ledger import Ledger
from exam_server.contract.wrapping import Purpose, unwrap
from exam_station.client import Client
from exam_station.flow.codes import NoticeCode
from exam_station.kit import Kits, Start
from exam_station.staging import Packages
from exam_station.stopping import StoppedError
from exam_station.vault import Vault
from question_bank import package
from question_bank.errors import MalformedError
from question_bank.package import PresentedForm


@dataclass(frozen=True, slots=True)
class Opening:
    """The form's key, and the ledger as of `server_time`. `at_the_signal`: without asking the
    server, whose own ledger wins once it comes."""

    content_key: bytes = field(repr=False)
    ledger: Ledger
    server_time: datetime
    at_the_signal: bool = False


class Opener:
    """Opens forms with what lies on this station, and what the server adds."""

    def __init__(self, client: Client, *, vault: Vault, packages: Packages, kits: Kits) -> None:
        self._client = client
        self._vault = vault
        self._packages = packages
        self._kits = kits

    def at_the_signal(
        self, lease: api.LeaseView, now: datetime | None, ledger: Ledger | None = None
    ) -> Opening | None:
        """By the start signal that was heard here and the kit; None where either is missing.

        `ledger` is the one that was last known; of an attempt that nobody has written yet it is
        the lease's, started.
        """
        kit = self._kits.kit()
        start = self._kits.start(kit.shift) if kit is not None else None
        if kit is None or start is None or now is None:
            return None
        try:
            key = kit.content_key(lease.package, start.secret)
        except ContractError:
            return None  # the kit is not of this shift; the server gives another one
        known = ledger or lease.ledger.ledger()
        if known.started is None:  # the server writes the start as its next entry
            known = replace(known.start(start.at), position=known.position + 1)
        return Opening(key, known, now, at_the_signal=True)

    def released(self, lease: api.LeaseView) -> Opening:
        """By the server's answer, which also tells of a lease that was taken over.

        Raises ClientError, ContractError, OSError.
        """
        answer = self._client.open(lease.attempt)
        context = (answer.shift, self._vault.station)
        secret = unwrap(answer.start_secret, self._vault.wrapping, Purpose.START_SECRET, *context)
        key = self._kits.for_attempt(lease.attempt).content_key(lease.package, secret)
        ledger = answer.ledger.ledger()
        if ledger.started is not None:
            self._kits.keep_start(Start(answer.shift, ledger.started, secret))
        return Opening(key, ledger, answer.server_time)

    def form(self, lease: api.LeaseView, opening: Opening) -> PresentedForm:
        """The form; StoppedError where the package does not open, which is then fetched again."""
        try:
            return self._unsealed(lease, opening)
        except (ContractError, MalformedError) as error:
            self._packages.discard(lease.package)
            raise StoppedError(NoticeCode.PACKAGE_DAMAGED, str(error)) from error

    def _unsealed(self, lease: api.LeaseView, opening: Opening) -> PresentedForm:
        sealed = self._packages.sealed(lease.package)
        header, plain = sealed_package.unseal(sealed, opening.content_key, self._vault.server)
        form = package.decode(plain)
        expected = (lease.package, self._vault.realm, lease.code)
        if (header.package, header.realm, form.code) != expected:
            raise ContractError("the package is another one")
        return form
