"""What is signed, changed: nothing that was changed may pass for genuine.

The rule, exactly.  An examination that ends `authentic` of files that were made by changing genuine
ones must find, for one and the same genuine card:

1. every data group that is said to match is that card's file, byte for byte;
2. the content that EF.SOD signs (the LDS security object) is that card's, byte for byte, and so are
   the hashes read from it;
3. where active authentication is said to have passed, the response is one that this card's chip
   gave to this challenge.  An ECDSA signature has two forms that every verifier takes (s and n - s)
   and two encodings; there, the number r must be the chip's;
4. an identity that `verify` hands out says what that card's files say (without EF.DG13 it leaves
   the name with diacritics out);
5. a chip that offers PACE in its signed EF.DG14 was opened with PACE, or the report says that it
   was not (`pace_not_used`).

Other bytes of EF.SOD carry no statement: an encoding of lengths, an unsigned attribute, a
certificate that nobody needs.  They may change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from functools import cache
from hashlib import sha256

from asn1crypto.core import Integer, SequenceOf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from card_reader.apdu import ResponseApdu
from card_reader.evidence import AccessProtocol, ChipEvidence
from card_reader.lds import DATA_GROUPS, EF_SOD, dg14, security_infos, sod
from card_reader.secure_messaging import Cipher, SecureMessaging, derive_session_keys
from card_reader.simulator.ciphers import CIPHERS
from card_reader.simulator.secure_messaging import CardSession
from card_reader.trust.certificates import parse_certificate
from card_reader.trust.collection import (
    Change,
    EntryKind,
    SignedCollection,
    apply_change,
    countersign,
    propose,
)
from card_reader.trust.findings import Finding
from card_reader.trust.master_list import ListSignature, parse_certificate_file
from card_reader.trust.store import Realm
from card_reader.verify import (
    STORED_FILES,
    ChipProof,
    DataGroup,
    IdentityRefusedError,
    IdentityUnprovenError,
    Report,
    Verdict,
    VerifiedIdentity,
    examine,
    verify,
)
from fuzzing import corpus
from fuzzing.corpus import Original
from fuzzing.mutation import changed, changes_of
from fuzzing.target import Target, require

Files = Mapping[str, bytes]


# --- the rule -------------------------------------------------------------------------------------


def check_files(files: Files, report: Report, originals: Iterable[Original]) -> None:
    """Rules 1 and 2, for stored files."""
    if report.verdict is Verdict.AUTHENTIC:
        require(
            any(_says_the_same(files, report, item) for item in originals),
            f"changed files are authentic: {dict(report.data_groups)}",
        )


def check_evidence(
    evidence: ChipEvidence, originals: Iterable[Original], responses: Iterable[bytes]
) -> Verdict:
    """All rules; `responses` are what the genuine chips gave to the challenge of the evidence."""
    originals = tuple(originals)
    try:
        identity = _verified(evidence)
    except (IdentityRefusedError, IdentityUnprovenError) as error:
        require(error.report.verdict is not Verdict.AUTHENTIC, "refused, and yet authentic")
        return error.report.verdict
    report = identity.report
    require(report.verdict is Verdict.AUTHENTIC, "an identity without the verdict")
    same = [item for item in originals if _says_the_same(evidence.files, report, item)]
    require(bool(same), f"changed files are authentic: {dict(report.data_groups)}")
    genuine = _verified(same[0].evidence)
    for name, said in _statements(identity).items():
        unsaid = name == "full_name" and "EF.DG13" not in evidence.files
        right = None if unsaid else getattr(genuine, name)
        require(said == right, f"the identity says another {name}")
    _check_proof(evidence, report, responses)
    _check_access(evidence, report, same[0])
    return report.verdict


def _verified(evidence: ChipEvidence) -> VerifiedIdentity:
    return verify(
        evidence,
        corpus.trust(),
        corpus.POLICY,
        at=corpus.NOW,
        now=corpus.NOW,
        expected_challenge=corpus.CHALLENGE.value,
    )


def _says_the_same(files: Files, report: Report, original: Original) -> bool:
    genuine = original.evidence.files
    for number, state in report.data_groups.items():
        name = DATA_GROUPS[number].name
        if state is DataGroup.MATCH and files[name] != genuine.get(name):
            return False
    signed, right = sod.parse(files[EF_SOD.name]), sod.parse(genuine[EF_SOD.name])
    return (
        signed.signed_data.content == right.signed_data.content
        and signed.data_group_hashes == right.data_group_hashes
    )


def _statements(identity: VerifiedIdentity) -> dict[str, object]:
    about_the_examination = ("report", "freshness")
    return {
        item.name: getattr(identity, item.name)
        for item in fields(identity)
        if item.name not in about_the_examination
    }


def _check_proof(evidence: ChipEvidence, report: Report, responses: Iterable[bytes]) -> None:
    if 15 in report.data_groups:
        require(
            report.active_authentication is ChipProof.PASSED,
            "a listed proof by the chip was not asked for",
        )
    if report.active_authentication is ChipProof.PASSED:
        response = evidence.active_authentication or b""
        require(
            any(_same_signature(response, right) for right in responses),
            "a response that the chip never gave proves it",
        )


def _same_signature(response: bytes, right: bytes) -> bool:
    return response == right or _number_r(response) == _number_r(right)


def _number_r(signature: bytes) -> object:
    """r of an ECDSA signature in either encoding; the whole of anything else."""
    try:
        return int(_Numbers.load(signature, strict=True)[0])
    except (ValueError, TypeError, IndexError):
        half = len(signature) // 2
        return int.from_bytes(signature[:half], "big") if len(signature) == 64 else signature


class _Numbers(SequenceOf):  # type: ignore[misc]  # untyped
    _child_spec = Integer


def _check_access(evidence: ChipEvidence, report: Report, original: Original) -> None:
    signed = dg14.parse(original.evidence.files["EF.DG14"])
    if security_infos.offers_pace(signed) and evidence.access.protocol is not AccessProtocol.PACE:
        require(Finding.PACE_NOT_USED in report.reasons, "PACE gave way without a word")


# --- evidence, stored files -----------------------------------------------------------------------


def _forged(case: bytes) -> tuple[Original, dict[str, bytes]]:
    """The first byte chooses a card, the second a file of it, the third what is done to the file:
    it is changed as the rest says, or exchanged with another card's, or left away."""
    card, file, deed = case[:3].ljust(3, b"\x00")
    every = corpus.originals()
    original = every[card % len(every)]
    files = dict(original.evidence.files)
    name = list(files)[file % len(files)]
    if deed % 8 == 0:
        del files[name]
    elif deed % 8 == 1:
        files[name] = every[deed // 8 % len(every)].evidence.files.get(name, files[name])
    else:
        files[name] = changed(files[name], changes_of(case[3:])) or b"\x00"
    return original, files


def _evidence(case: bytes) -> None:
    original, files = _forged(case)
    evidence = replace(original.evidence, files=files)
    stored = ChipEvidence.from_bytes(evidence.to_bytes())
    require(stored == evidence, "evidence changes when it is stored")
    response = original.evidence.active_authentication
    check_evidence(stored, corpus.originals(), [response] if response else [])


def _stored_files(case: bytes) -> None:
    _, files = _forged(case)
    report = examine(files, corpus.trust(), STORED_FILES[Realm.TEST], at=corpus.NOW, now=corpus.NOW)
    check_files(files, report, corpus.originals())


def _response(case: bytes) -> None:
    """Evidence with another response to the challenge: the first byte chooses the card."""
    every = [item for item in corpus.originals() if item.evidence.active_authentication]
    original = every[(case[0] if case else 0) % len(every)]
    right = original.evidence.active_authentication or b""
    evidence = replace(
        original.evidence, active_authentication=changed(right, changes_of(case[1:]))[:2048]
    )
    check_evidence(evidence, corpus.originals(), [right])


# --- other signed things --------------------------------------------------------------------------

_SECRET, _COUNTER = b"a shared secret", 1
_ANSWERS = (
    ResponseApdu(b"", 0x9000),
    ResponseApdu(bytes(range(200)), 0x9000),
    ResponseApdu(b"\x6c" * 17, 0x6282),
    ResponseApdu(b"", 0x6A82),
)


@cache
def _protected() -> dict[bytes, tuple[Cipher, ResponseApdu]]:
    """Answers under each cipher, and what they say."""
    made: dict[bytes, tuple[Cipher, ResponseApdu]] = {}
    for cipher in Cipher:
        for answer in _ANSWERS:
            session = CardSession.agreed(CIPHERS[cipher.value], _SECRET, _COUNTER)
            made[session.wrap(answer, 0xB0).to_bytes()] = (cipher, answer)
    return made


def _secure_messaging(case: bytes) -> None:
    """A response of a session whose keys the attacker does not have: the first byte chooses it."""
    chosen = (case[0] if case else 0) % len(_protected())
    raw, (cipher, answer) = list(_protected().items())[chosen]
    keys = derive_session_keys(cipher, _SECRET)
    session = SecureMessaging.of(replace(keys, ssc=_COUNTER.to_bytes(len(keys.ssc), "big")))
    plain = session.unwrap(ResponseApdu.from_bytes(changed(raw, changes_of(case[1:]))))
    require(plain == answer, "a changed response is authentic")


@cache
def _officers() -> dict[str, Ed25519PrivateKey]:
    """Two officers who know the present issuer, and never signed for another one."""
    names, secret = ("anna", "binh"), corpus.certificates()[0]
    digests = {who: sha256(who.encode() + secret).digest() for who in names}
    return {who: Ed25519PrivateKey.from_private_bytes(key) for who, key in digests.items()}


def _officer_keys() -> dict[str, bytes]:
    return {who: key.public_key().public_bytes_raw() for who, key in _officers().items()}


@cache
def _collections() -> list[bytes]:
    authority, signer, _ = corpus.certificates()
    change = Change(
        "the state's issuer",
        (
            (EntryKind.ANCHOR, authority),
            (EntryKind.PINNED, signer),
            (EntryKind.CRL, corpus.revocation_lists()[0]),
        ),
    )
    first, second = _officers()
    proposal = propose(
        None, change, realm=Realm.TEST, officer=first, sign=_officers()[first].sign, now=corpus.NOW
    )
    sign = _officers()[second].sign
    signed = countersign(None, proposal, officer=second, sign=sign, officers=_officer_keys())
    return [signed.to_bytes(), proposal.to_bytes()]


def _collection(raw: bytes) -> None:
    """Only what two officers signed comes into force."""
    collection = apply_change(None, SignedCollection.from_bytes(raw), officers=_officer_keys())
    right = SignedCollection.from_bytes(_collections()[0]).collection
    require(collection == right, "a change that nobody signed comes into force")


def _master_list(raw: bytes) -> None:
    """What a list lists that the issuer signed, the genuine one lists."""
    found = parse_certificate_file(raw)
    authority = parse_certificate(corpus.certificates()[0])
    own = bool(found.signers) and all(signer.signed_by(authority) for signer in found.signers)
    if own and found.signature is ListSignature.VALID:
        right = parse_certificate_file(corpus.certificate_lists()[0]).certificates
        known = {item.raw for item in right}
        require(
            {item.raw for item in found.certificates} <= known,
            "a changed master list has a valid signature",
        )


def _none() -> list[bytes]:
    return []


FORGERIES: tuple[Target, ...] = (
    Target("forged_evidence", _evidence, _none, script=True),
    Target("forged_files", _stored_files, _none, script=True),
    Target("forged_response", _response, _none, script=True),
    Target("forged_message", _secure_messaging, _none, script=True),
    Target("forged_collection", _collection, _collections),
    Target("forged_master_list", _master_list, lambda: corpus.certificate_lists()[:2]),
)
