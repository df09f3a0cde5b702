"""Passive authentication over every signature scheme and every form that issuers write."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from trust_builder import (
    CARD_SECURITY,
    CSCA,
    NOW,
    SIGNER,
    Form,
    Party,
    PrivateKey,
    Scheme,
    certificate,
    der,
    ec_key,
    integer,
    name,
    octets,
    oid,
    revocation_list,
    rsa_key,
    sample_state,
    security_object,
    sequence,
    set_of,
    signed_data,
)

from card_reader.cms import parse_signed_data
from card_reader.lds import dg1
from card_reader.lds.mrz import Layout, Mrz
from card_reader.trust.certificates import parse_certificate
from card_reader.trust.crl import parse_crl
from card_reader.trust.findings import Finding
from card_reader.trust.inventory import SignatureState, take_inventory
from card_reader.trust.passive_authentication import (
    Chain,
    Dates,
    PassiveResult,
    Revocation,
    Signature,
    authenticate_signed_data,
)
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import STORED_FILES, Verdict, examine

CONTENT = security_object({1: b"one", 2: b"two"})
ACCEPTED = ("2.23.136.1.1.1", "1.2.840.113549.1.7.1")
ID_DATA = "1.2.840.113549.1.7.1"


def trust(*anchors: Party, **options: object) -> TrustStore:
    parsed = [parse_certificate(item.raw) for item in anchors]
    return TrustStore(parsed, realm=Realm.LIVE, **options)


def look(
    raw: bytes,
    store: TrustStore | None = None,
    *,
    at: datetime | date | None = None,
    content_types: tuple[str, ...] = ACCEPTED,
) -> PassiveResult:
    chosen = trust(sample_state()[0]) if store is None else store
    return authenticate_signed_data(content_types, parse_signed_data(raw), chosen, at=at, now=NOW)


def is_authentic(result: PassiveResult) -> bool:
    return not result.refused and result.chain is Chain.TRUSTED


HASHES = ("sha1", "sha224", "sha256", "sha384", "sha512")
SCHEMES = [
    *((Scheme("rsa", item), rsa_key()) for item in HASHES),
    *((Scheme("rsa", item, bare=True), rsa_key(3)) for item in ("sha1", "sha256")),
    *((Scheme("pss", item, item, 20), rsa_key()) for item in HASHES),
    *((Scheme("pss", "sha256", "sha1", salt), rsa_key(3)) for salt in (0, 7, 32, 64)),
    (Scheme("pss", "sha1", "sha512", 20), rsa_key()),
    *(
        (Scheme(kind, item), ec_key(curve))
        for kind in ("ecdsa", "plain")
        for item in HASHES
        for curve in ("secp256r1", "brainpoolP384r1")
    ),
    *(
        (Scheme("ecdsa", "sha512"), ec_key(curve))
        for curve in ("secp192r1", "secp224r1", "secp521r1", "brainpoolP512r1")
    ),
    (Scheme("ecdsa", "sha384", bare=True), ec_key("brainpoolP256r1")),
]


@pytest.mark.parametrize(("scheme", "key"), SCHEMES, ids=range(len(SCHEMES)))
@pytest.mark.parametrize("attributes", ["der", "none"])
def test_every_scheme(scheme: Scheme, key: object, attributes: str) -> None:
    csca, _ = sample_state()
    signer = certificate(name("UT", "DS"), key, scheme, csca, SIGNER)
    form = Form(attributes=attributes)
    result = look(signed_data(CONTENT, signer, form=form))
    assert is_authentic(result)
    assert [item.sha256 for item in result.anchors] == [parse_certificate(csca.raw).sha256]
    assert result.algorithm is not None
    assert scheme.hash_name in result.algorithm
    broken = bytearray(signed_data(CONTENT, signer, form=form))
    broken[-1] ^= 1
    assert look(bytes(broken)).signature is Signature.INVALID


@pytest.mark.parametrize("scheme", [Scheme("rsa", "sha1"), Scheme("pss", salt=48)], ids=str)
def test_an_issuer_may_sign_in_another_way_than_its_signers(scheme: Scheme) -> None:
    csca = certificate(name("UT", "RSA CSCA"), rsa_key(3), scheme)
    signer = certificate(name("UT", "DS"), ec_key(), Scheme("ecdsa"), csca, SIGNER)
    assert is_authentic(look(signed_data(CONTENT, signer), trust(csca)))


@pytest.mark.parametrize(
    "form",
    [
        Form(),
        Form(attributes="unsorted"),
        Form(attributes="resent"),
        Form(attributes="none"),
        Form(content_type=ID_DATA),
        Form(content_type=ID_DATA, attributes="none"),
        Form(by_key_id=True),
        Form(digest="sha512"),
        Form(digest="sha1"),
        Form(indefinite=True),
        Form(constructed=True),
        Form(indefinite=True, constructed=True, attributes="unsorted"),
        Form(signing_time=NOW),
    ],
    ids=str,
)
def test_every_form(form: Form) -> None:
    _, signer = sample_state()
    assert is_authentic(look(signed_data(CONTENT, signer, form=form)))


def test_a_signer_without_key_id_is_found_by_the_digest_of_its_key() -> None:
    csca, _ = sample_state()
    signer = certificate(name("UT", "DS"), ec_key(which=4), Scheme("ecdsa"), csca, SIGNER)
    assert is_authentic(look(signed_data(CONTENT, signer, form=Form(by_key_id=True))))


def test_a_signer_certificate_that_is_supplied() -> None:
    csca, signer = sample_state()
    for by_key_id in (False, True):
        raw = signed_data(CONTENT, signer, form=Form(embedded=False, by_key_id=by_key_id))
        assert look(raw).findings == (Finding.NO_SIGNER_CERTIFICATE,)
        assert is_authentic(look(raw, trust(csca, signer)))
        # A document signer vouches for nobody, not even for itself.
        assert look(raw, trust(signer)).chain is Chain.NO_ANCHOR


def test_an_issuer_name_that_is_spelled_in_another_way() -> None:
    csca, signer = sample_state()
    other = certificate(name("UT", "csca  ", 0x13), ec_key(which=9), Scheme("ecdsa"))
    same_words = certificate(
        name("UT", "DS"), ec_key(which=2), Scheme("ecdsa"), replace(other, key=csca.key), SIGNER
    )
    assert is_authentic(look(signed_data(CONTENT, same_words)))
    # A name that is another one, in the signer's certificate or in the SignerInfo alone:
    renamed = replace(csca, name=name("UT", "Country Signer"))
    stranger = certificate(name("UT", "DS"), ec_key(which=2), Scheme("ecdsa"), renamed, SIGNER)
    assert is_authentic(look(signed_data(CONTENT, stranger)))
    parts = [name("UT", "CSCA")[2:][:13], name("UT", "CSCA")[2:][13:]]
    turned = certificate(
        name("UT", "DS"), ec_key(which=2), Scheme("ecdsa"),
        replace(csca, name=sequence(*reversed(parts))), replace(SIGNER, serial=signer.serial),
    )  # fmt: skip
    assert is_authentic(look(signed_data(CONTENT, signer, form=Form(named=turned))))
    for lost in (replace(turned, serial=b"\x63"), replace(stranger, serial=signer.serial)):
        assert look(signed_data(CONTENT, signer, form=Form(named=lost))).refused


def test_serial_numbers_that_look_negative() -> None:
    csca, _ = sample_state()
    shape = replace(SIGNER, serial=b"\xf3\x01")
    signer = certificate(name("UT", "DS"), ec_key(which=2), Scheme("ecdsa"), csca, shape)
    spelled = replace(signer, serial=b"\x00\xf3\x01")
    assert is_authentic(look(signed_data(CONTENT, signer)))
    crl = parse_crl(revocation_list(csca, [spelled.serial]))
    assert look(signed_data(CONTENT, signer), trust(csca, crls=[crl])).refused


# --- what must be refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "finding"),
    [
        (Form(digest_value=bytes(32)), Finding.DIGEST_MISMATCH),
        (Form(attribute_type=CARD_SECURITY), Finding.CONTENT_TYPE_MISMATCH),
        (Form(content_type=CARD_SECURITY), Finding.CONTENT_TYPE_MISMATCH),
        (Form(content_type=CARD_SECURITY, attributes="none"), Finding.CONTENT_TYPE_MISMATCH),
    ],
    ids=str,
)
def test_signatures_for_something_else(form: Form, finding: Finding) -> None:
    result = look(signed_data(CONTENT, sample_state()[1], form=form))
    assert result.refused
    assert finding in result.findings
    assert result.anchors == () or result.signature is Signature.INVALID


def test_the_same_file_is_good_for_its_own_purpose() -> None:
    raw = signed_data(CONTENT, sample_state()[1], form=Form(content_type=CARD_SECURITY))
    assert is_authentic(look(raw, content_types=(CARD_SECURITY,)))


def test_signed_attributes_are_never_content() -> None:
    """Attributes that were signed, sent as content without attributes, verify mathematically."""
    _, signer = sample_state()
    attribute = sequence(oid("1.2.840.113549.1.9.4"), set_of(octets(bytes(32))))
    content_type = sequence(oid("1.2.840.113549.1.9.3"), set_of(oid(CARD_SECURITY)))
    form = Form(content_type=CARD_SECURITY, attributes="none")
    raw = signed_data(set_of(attribute, content_type), signer, form=form)
    result = look(raw, content_types=(CARD_SECURITY,))
    assert result.signature is Signature.INVALID


def test_a_forged_signer_is_no_signer() -> None:
    csca, _ = sample_state()
    mallory = certificate(
        name("UT", "CSCA"), ec_key(which=8), Scheme("ecdsa"), shape=replace(CSCA, key_id=b"c" * 20)
    )
    shape = replace(SIGNER, authority_key_id=b"c" * 20)
    signer = certificate(name("UT", "DS"), ec_key(which=2), Scheme("ecdsa"), mallory, shape)
    result = look(signed_data(CONTENT, signer), trust(csca))
    assert (result.chain, result.refused) == (Chain.INVALID, True)
    assert look(signed_data(CONTENT, signer), trust()).chain is Chain.NO_ANCHOR


def test_an_issuer_that_changed_its_key_is_unknown_not_forged() -> None:
    """A signer without a key id, of an issuer of which only another key is known."""
    csca, _ = sample_state()
    older = certificate(csca.name, ec_key(which=8), Scheme("ecdsa"))
    signer = certificate(name("UT", "DS"), ec_key(which=2), Scheme("ecdsa"), older, SIGNER)
    result = look(signed_data(CONTENT, signer))
    assert (result.chain, result.refused) == (Chain.NO_ANCHOR, False)


def test_two_algorithms_in_one_certificate() -> None:
    csca, _ = sample_state()
    shape = replace(SIGNER, inner_scheme=Scheme("ecdsa", "sha512"), authority_key_id=b"c" * 20)
    signer = certificate(name("UT", "DS"), ec_key(which=2), Scheme("ecdsa"), csca, shape)
    assert look(signed_data(CONTENT, signer)).chain is Chain.INVALID


def test_an_issuer_signs_no_documents_itself() -> None:
    csca, _ = sample_state()
    result = look(signed_data(CONTENT, csca))
    assert Finding.SIGNER_MAY_NOT_SIGN in result.findings
    assert result.refused


# --- several signers ----------------------------------------------------------------------------


def test_of_several_signers() -> None:
    csca, signer = sample_state()
    foreign = certificate(name("XX", "CSCA"), ec_key(which=5), Scheme("ecdsa"))
    other = certificate(
        name("XX", "DS"), ec_key(which=6), Scheme("ecdsa"), foreign, replace(SIGNER, serial=b"\x09")
    )
    assert is_authentic(look(signed_data(CONTENT, other, signer)))  # one that is trusted speaks
    liar = replace(other, key=ec_key(which=7))
    assert look(signed_data(CONTENT, signer, liar)).refused  # one that is refused refuses
    crl = parse_crl(revocation_list(foreign, [b"\x09"]))
    revoking = trust(csca, foreign, crls=[crl])
    assert look(signed_data(CONTENT, signer, other), revoking).revocation is Revocation.REVOKED
    unknown = replace(other, scheme=_Unknown("ecdsa"))
    assert is_authentic(look(signed_data(CONTENT, unknown, signer)))  # set aside
    assert look(signed_data(CONTENT, unknown)).findings[0] is Finding.UNSUPPORTED_ALGORITHM


@dataclass(frozen=True)
class _Salted(Scheme):
    """RSA-PSS that states any length of its salt, and signs nothing."""

    stated: bytes = b"\xff"

    def identifier(self) -> bytes:
        usual = super().identifier()
        salt = der(0xA2, integer(32))
        assert usual.endswith(salt)
        body = usual[len(oid("1.2.840.113549.1.1.10")) + 2 :]
        fields = body[2 : -len(salt)] + der(0xA2, der(0x02, self.stated))
        return sequence(oid("1.2.840.113549.1.1.10"), sequence(fields))

    def sign(self, key: PrivateKey, message: bytes) -> bytes:
        return bytes(256)


@pytest.mark.parametrize("stated", [b"\xff", b"\x04\x01", b"\x7f" + b"\xff" * 20], ids=bytes.hex)
def test_a_salt_of_an_impossible_length_signs_nothing(stated: bytes) -> None:
    """Neither a document nor a certificate: whoever holds a card to a reader writes both."""
    scheme = _Salted("pss", "sha256", "sha256", 32, stated=stated)
    issuer = certificate(name("UT", "CSCA"), rsa_key(), scheme)
    signer = certificate(name("UT", "DS"), ec_key(which=2), Scheme("ecdsa"), issuer, SIGNER)
    assert look(signed_data(CONTENT, signer), trust(issuer)).chain is Chain.NO_ANCHOR
    (entry,) = take_inventory([parse_certificate(issuer.raw)])
    assert entry.signature is SignatureState.INVALID
    sound = certificate(name("UT", "DS"), rsa_key(), Scheme("rsa"), sample_state()[0], SIGNER)
    result = look(signed_data(CONTENT, replace(sound, scheme=scheme)))
    assert result.signature is Signature.INVALID
    assert Finding.UNSUPPORTED_ALGORITHM in result.findings


class _Unknown(Scheme):
    def identifier(self) -> bytes:
        return sequence(oid("1.3.101.112"))


# --- pinned signers, links, revocation, dates ---------------------------------------------------


def test_a_pinned_signer_vouches_without_an_anchor() -> None:
    _, signer = sample_state()
    pinned = trust(pinned=[parse_certificate(signer.raw)])
    result = look(signed_data(CONTENT, signer), pinned)
    assert is_authentic(result)
    assert (result.anchors, result.pinned) == ((), True)
    assert Finding.SIGNER_PINNED in result.findings
    assert is_authentic(look(signed_data(CONTENT, signer, form=Form(embedded=False)), pinned))
    liar = replace(signer, key=ec_key(which=7))
    assert look(signed_data(CONTENT, liar), pinned).refused


def test_links_carry_an_anchor_on() -> None:
    """DS ← new CSCA ← link ← old CSCA; a link that no anchor vouches for is nobody."""
    scheme = Scheme("ecdsa")
    parties = [certificate(name("UT", f"CSCA {n}"), ec_key(which=20 + n), scheme) for n in range(3)]
    links = [certificate(new.name, new.key, scheme, old) for old, new in pairwise(parties)]
    signer = certificate(name("UT", "DS"), ec_key(which=2), scheme, parties[2], SIGNER)
    raw = signed_data(CONTENT, signer)
    parsed = [parse_certificate(item.raw) for item in (*links, parties[2])]
    result = look(raw, trust(parties[0], links=parsed))
    assert is_authentic(result)
    assert set(result.anchors) == set(parsed[1:])  # the link and the new CSCA: the same key
    stranger = certificate(name("UT", "CSCA 0"), ec_key(which=30), scheme)
    assert look(raw, trust(stranger, links=parsed)).chain is Chain.NO_ANCHOR
    assert look(raw, trust(links=parsed)).chain is Chain.NO_ANCHOR
    assert look(raw, trust(parties[0], links=parsed[1:])).chain is Chain.NO_ANCHOR


def test_every_certificate_of_the_key_vouches() -> None:
    csca, signer = sample_state()
    renewed = certificate(name("UT", "CSCA renewed"), csca.key, csca.scheme)
    result = look(signed_data(CONTENT, signer), trust(csca, renewed))
    assert len(result.anchors) == 2


DELTA = sequence(oid("2.5.29.27"), b"\x01\x01\xff", octets(b"\x02\x01\x01"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Revocation.GOOD),
        ({"serials": [b"\x05"]}, Revocation.REVOKED),
        ({"serials": [b"\x01"]}, Revocation.REVOKED),  # the CSCA itself
        ({"next_update": NOW - timedelta(days=1)}, Revocation.STALE),
        ({"next_update": None}, Revocation.STALE),
        ({"next_update": NOW - timedelta(days=1), "serials": [b"\x05"]}, Revocation.REVOKED),
        ({"extensions": [DELTA]}, Revocation.UNKNOWN),
        ({"extensions": [DELTA], "serials": [b"\x05"]}, Revocation.REVOKED),
    ],
    ids=str,
)
def test_revocation(options: dict[str, object], expected: Revocation) -> None:
    csca, signer = sample_state()
    crl = parse_crl(revocation_list(csca, **options))
    result = look(signed_data(CONTENT, signer), trust(csca, crls=[crl]))
    assert result.revocation is expected
    assert result.refused is (expected is Revocation.REVOKED)


def test_the_older_issuer_revokes_its_link() -> None:
    """A link certificate's number is the older issuer's, and so is the list that names it."""
    old, scheme = sample_state()[0], Scheme("ecdsa")
    shape = replace(CSCA, serial=b"\x21")
    link = certificate(name("UT", "CSCA new"), ec_key(which=31), scheme, old, shape)
    raw = signed_data(CONTENT, certificate(name("UT", "DS"), ec_key(which=2), scheme, link, SIGNER))
    revoking, other = (
        parse_crl(revocation_list(old, [serial])) for serial in (link.serial, b"\x22")
    )
    assert Finding.ANCHOR_REVOKED in look(raw, trust(old, link, crls=[revoking])).findings
    assert is_authentic(look(raw, trust(old, link, crls=[other])))
    # The number alone says nothing: in the new issuer's own list it is another certificate's.
    own = parse_crl(revocation_list(link, [link.serial]))
    assert is_authentic(look(raw, trust(old, link, crls=[own])))


def test_no_state_signs_for_another_one() -> None:
    """A signer's certificate may say of its issuer whatever that issuer wrote into it."""
    zone = dg1.encode(
        Mrz(
            document_code="P",
            issuing_state="UTO",
            document_number="X1",
            personal_number="",
            date_of_birth=date(2000, 1, 1),
            sex="F",
            date_of_expiry=date(2030, 1, 1),
            nationality="UTO",
            primary_identifier="A",
            secondary_identifier="B",
            layout=Layout.TD3,
        )
    )
    own, scheme = sample_state()[0], Scheme("ecdsa")
    shape = replace(CSCA, key_id=b"f" * 20)
    foreign = certificate(name("FR", "CSCA"), ec_key(which=33), scheme, shape=shape)
    shape = replace(SIGNER, authority_key_id=b"f" * 20)
    issuer = replace(foreign, name=own.name)
    signer = certificate(name("UT", "DS"), ec_key(which=2), scheme, issuer, shape)
    files = {"EF.DG1": zone, "EF.SOD": signed_data(security_object({1: zone}), signer)}
    report = examine(files, trust(own, foreign), STORED_FILES[Realm.LIVE], at=None, now=NOW)
    assert (report.chain, report.issuer_match) == ("trusted", False)
    assert report.verdict is Verdict.REFUSED
    files["EF.SOD"] = signed_data(security_object({1: zone}), sample_state()[1])
    report = examine(files, trust(own, foreign), STORED_FILES[Realm.LIVE], at=None, now=NOW)
    assert (report.verdict, report.issuer_match) == (Verdict.AUTHENTIC, True)


def test_a_forged_list_is_not_used() -> None:
    csca, signer = sample_state()
    mallory = replace(csca, key=ec_key(which=8))
    crl = parse_crl(revocation_list(mallory, [b"\x05"]))
    result = look(signed_data(CONTENT, signer), trust(csca, crls=[crl]))
    assert result.revocation is Revocation.UNKNOWN
    assert Finding.CRL_UNVERIFIED in result.findings


def test_dates_are_the_signers_not_the_issuers() -> None:
    csca, _ = sample_state()
    old = certificate(
        csca.name,
        csca.key,
        csca.scheme,
        shape=replace(CSCA, not_after=datetime(2021, 1, 1, tzinfo=UTC)),
    )
    shape = replace(SIGNER, not_before=datetime(2021, 6, 1, tzinfo=UTC))
    signer = certificate(name("UT", "DS"), ec_key(which=2), Scheme("ecdsa"), old, shape)
    raw = signed_data(CONTENT, signer, form=Form(signing_time=NOW))
    store = trust(old)
    assert is_authentic(look(raw, store))
    assert look(raw, store).dates is Dates.VALID
    assert look(raw, store, at=date(2036, 1, 1)).dates is Dates.EXPIRED
    assert look(raw, store, at=date(2021, 1, 1)).dates is Dates.NOT_YET_VALID
    assert look(signed_data(CONTENT, signer), store).dates is Dates.UNKNOWN
