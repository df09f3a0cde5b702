"""From files to what may be trusted: master lists, certificates, revocation lists, pins."""

from dataclasses import dataclass
from pathlib import Path

from card_reader.errors import CardError
from card_reader.lds import sod
from card_reader.trust.certificates import parse_certificates
from card_reader.trust.collection import EntryKind
from card_reader.trust.master_list import parse_certificate_file, parse_crl_file
from card_reader.trust.signer import check_signature, signer_certificate
from card_reader.trust.store import Realm, TrustStore, read_certificate_files
from exam_server.errors import InputError
from exam_server.loading import read_file

_SOD_TAG = bytes([sod.TAG])


@dataclass(frozen=True, slots=True)
class Files:
    """Files by what they hold."""

    certificates: tuple[Path, ...]
    crls: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Contents by kind, none twice; `remarks` say what was left out, and why."""

    contents: tuple[tuple[EntryKind, bytes], ...]
    remarks: tuple[str, ...]


def sort_files(sources: list[Path]) -> Files:
    """The files with issuers' certificates and those with revocation lists.

    A folder's other files are left alone; a file named by itself must be one of them.
    """
    certificates: list[Path] = []
    crls: list[Path] = []
    for source in sources:
        if not source.exists():
            raise InputError(f"{source} does not exist")
        for file in sorted(source.iterdir()) if source.is_dir() else [source]:
            found = _place(file, certificates, crls) if file.is_file() else None
            if found is not None:
                found.append(file)
            elif not source.is_dir():
                raise InputError(f"{file} holds no issuer's certificate, master list or CRL")
    if not certificates and not crls:
        raise InputError("nothing to load: no certificate, master list or CRL among these files")
    return Files(tuple(certificates), tuple(crls))


def _place(file: Path, certificates: list[Path], crls: list[Path]) -> list[Path] | None:
    data = read_file(file)
    try:
        if any(item.is_ca for item in parse_certificate_file(data).certificates):
            return certificates
    except CardError:
        pass  # the next kind may fit
    try:
        parse_crl_file(data)
    except CardError:
        return None
    return crls


def gather(sources: list[Path], *, links: list[Path], pins: list[Path], realm: Realm) -> Gathered:
    """What the files hold for a change: issuers and CRLs, links, signers to be pinned.

    A master list counts only where its own signature holds, as when it is loaded.
    """
    found: dict[bytes, EntryKind] = {}
    remarks: list[str] = []
    try:
        if sources:
            files = sort_files(sources)
            store = TrustStore.load(files.certificates, crls=files.crls, realm=realm)
            found |= dict.fromkeys((item.raw for item in store.anchors), EntryKind.ANCHOR)
            found |= dict.fromkeys((item.raw for item in store.crls), EntryKind.CRL)
            remarks += _left_out(files)
        for path in links:
            found |= dict.fromkeys(_certificates(path), EntryKind.LINK)
        for path in pins:
            found |= dict.fromkeys(_signers(path), EntryKind.PINNED)
    except CardError as error:
        raise InputError(f"the files cannot be used: {error}") from error
    return Gathered(tuple((kind, raw) for raw, kind in found.items()), tuple(remarks))


def _left_out(files: Files) -> list[str]:
    remarks = []
    for path, file in read_certificate_files(files.certificates):
        remarks += [f"{path.name}: left out, {problem}" for problem in file.unreadable]
        signers = sum(1 for item in file.certificates if not item.is_ca)
        if signers:
            remarks.append(f"{path.name}: {signers} document signers left out; pin them with --pin")
    return remarks


def _certificates(path: Path) -> list[bytes]:
    return [item.raw for item in parse_certificates(read_file(path))]


def _signers(path: Path) -> list[bytes]:
    """The certificates of a file, or those that signed a card's EF.SOD."""
    data = read_file(path)
    if data[:1] != _SOD_TAG:
        return _certificates(path)
    signed = sod.parse(data).signed_data
    found = []
    for signer in signed.signers:
        certificate = signer_certificate(signed, signer)
        check_signature(signed, signer, certificate)
        found.append(certificate.raw)
    return found
