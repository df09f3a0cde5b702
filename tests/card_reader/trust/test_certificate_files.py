"""Files of certificates: master lists, PKD exports, PEM bundles; what a store makes of them."""

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from trust_builder import (
    CSCA,
    SIGNER,
    Form,
    Party,
    Scheme,
    certificate,
    ec_key,
    integer,
    master_list,
    name,
    octets,
    revocation_list,
    sample_state,
    sequence,
    signed_data,
)

from card_reader.errors import CardReason, MalformedCertificateError
from card_reader.simulator.issuer import Issuer, KeyKind
from card_reader.simulator.master_list import build
from card_reader.trust import master_list as certificate_files
from card_reader.trust import store as trust_store
from card_reader.trust.certificates import parse_certificate
from card_reader.trust.inventory import Kind, SignatureState, take_inventory
from card_reader.trust.master_list import (
    ListSignature,
    parse_certificate_file,
    parse_crl_file,
    parse_master_list,
)
from card_reader.trust.store import Realm, TrustStore


def pem(label: str, raw: bytes) -> bytes:
    body = base64.encodebytes(raw).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def ldif(*attributes: tuple[str, bytes], newline: str = "\n", width: int = 76) -> bytes:
    """Entries as the PKD exports them: base64 folded into lines that begin with a space."""
    lines = ["version: 1"]
    for number, (attribute, raw) in enumerate(attributes):
        encoded = f"{attribute}:: {base64.b64encode(raw).decode()}"
        folded = [encoded[i : i + width] for i in range(0, len(encoded), width)]
        lines += ["", f"dn: cn={number},o=x,c=UT,dc=data,dc=download", "# a comment::here"]
        lines += [f"{newline} ".join(folded), "objectClass: top"]
    return newline.join(lines).encode() + newline.encode()


def list_signer(issuer: Party | None = None) -> Party:
    issuer = issuer or sample_state()[0]
    return certificate(
        name("UT", "List"),
        ec_key(which=40),
        Scheme("ecdsa"),
        issuer,
        replace(SIGNER, serial=b"\x0c"),
    )


# --- exports ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("newline", "width"), [("\n", 76), ("\r\n", 78), ("\n", 19), ("\n", 10**6)]
)
def test_an_export_of_the_key_directory(newline: str, width: int) -> None:
    csca, signer = sample_state()
    data = ldif(
        ("pkdMasterListContent", master_list([csca.raw], list_signer())),
        ("userCertificate;binary", signer.raw),
        ("CACertificate;binary", csca.raw),
        ("certificateRevocationList;binary", revocation_list(csca, [b"\x63"])),
        newline=newline,
        width=width,
    )
    found = parse_certificate_file(data)
    assert [item.raw for item in found.certificates] == [csca.raw, signer.raw, csca.raw]
    assert (found.signature, len(found.crls), found.unreadable) == (ListSignature.VALID, 1, ())
    assert parse_crl_file(data) == found.crls


def test_a_store_of_exports(tmp_path: Path) -> None:
    csca, signer = sample_state()
    (tmp_path / "1.ldif").write_bytes(ldif(("userCertificate;binary", signer.raw)))
    (tmp_path / "2.ldif").write_bytes(
        ldif(("pkdMasterListContent", master_list([csca.raw], list_signer())))
    )
    (tmp_path / "3.ldif").write_bytes(
        ldif(("certificateRevocationList;binary", revocation_list(csca)))
    )
    store = TrustStore.load([tmp_path], realm=Realm.LIVE)
    assert [item.raw for item in store.anchors] == [csca.raw]
    assert len(store.crls) == 1
    assert len(TrustStore.load([], crls=[tmp_path / "3.ldif"], realm=Realm.LIVE).crls) == 1


def test_an_older_export_names_its_lists_otherwise() -> None:
    csca, _ = sample_state()
    found = parse_certificate_file(
        ldif(("CscaMasterListData", master_list([csca.raw], list_signer())))
    )
    assert ([item.raw for item in found.certificates], found.signature) == ([csca.raw], "valid")


def test_one_unreadable_list_is_named_and_no_anchor_comes_of_its_file(tmp_path: Path) -> None:
    csca, signer = sample_state()
    path = tmp_path / "lists.ldif"
    path.write_bytes(
        ldif(
            ("pkdMasterListContent", signed_data(b"no list", signer)),
            ("pkdMasterListContent", master_list([csca.raw], list_signer())),
        )
    )
    found = parse_certificate_file(path.read_bytes())
    assert [item.raw for item in found.certificates] == [csca.raw]
    assert found.signature is ListSignature.INVALID
    assert len(found.unreadable) == 1
    with pytest.raises(MalformedCertificateError, match="signature of the master list"):
        TrustStore.load([path], realm=Realm.LIVE)


def test_one_unreadable_entry_is_named_and_spoils_nothing() -> None:
    csca, signer = sample_state()
    broken = sequence(integer(1), octets(b"x"))
    found = parse_certificate_file(
        ldif(("userCertificate;binary", broken), ("userCertificate;binary", signer.raw))
    )
    assert [item.raw for item in found.certificates] == [signer.raw]
    assert len(found.unreadable) == 1
    assert "entry 1" in found.unreadable[0]
    listed = parse_master_list(master_list([csca.raw, broken], list_signer()))
    assert (len(listed.certificates), len(listed.unreadable)) == (1, 1)
    with pytest.raises(MalformedCertificateError, match="no readable certificate: entry 1"):
        parse_certificate_file(ldif(("userCertificate", broken)))


@pytest.mark.parametrize(
    "data",
    [
        b"version: 1\n\ndn: c=UT\nuserCertificate;binary:: ****\n",
        b"dn: c=UT\ncn: nothing\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"",
    ],
)
def test_files_that_hold_nothing(data: bytes) -> None:
    with pytest.raises(MalformedCertificateError):
        parse_certificate_file(data)


def test_a_bundle_of_everything() -> None:
    csca, signer = sample_state()
    bundle = (
        b"Bag attributes\n"
        + pem("CERTIFICATE", csca.raw)
        + pem("X509 CERTIFICATE", signer.raw)
        + pem("X509 CRL", revocation_list(csca))
        + pem("PRIVATE KEY", b"\x30\x00")
        + pem("CMS", master_list([csca.raw], list_signer()))
    )
    found = parse_certificate_file(bundle)
    assert len(found.certificates) == 3
    assert (len(found.crls), found.signature) == (1, ListSignature.VALID)


@pytest.mark.parametrize("before", ["\ufeff", "Certificate in words: aa:bb:cc\r\n" * 400])
def test_whatever_stands_before_the_first_block(before: str) -> None:
    csca, signer = sample_state()
    bundle = before.encode() + pem("CERTIFICATE", csca.raw) + pem("CERTIFICATE", signer.raw)
    found = parse_certificate_file(bundle)
    assert [item.raw for item in found.certificates] == [csca.raw, signer.raw]
    lists = before.encode() + pem("X509 CRL", revocation_list(csca))
    assert len(parse_crl_file(lists)) == 1


def test_a_bundle_that_is_cut_off_loses_no_certificate_in_silence() -> None:
    csca, signer = sample_state()
    bundle = pem("CERTIFICATE", csca.raw) + pem("CERTIFICATE", signer.raw)
    with pytest.raises(MalformedCertificateError, match="cut off"):
        parse_certificate_file(bundle[:-30])


def test_an_issuer_that_renamed_itself_is_still_the_parent() -> None:
    """As for the signer of a document: a signature says more than a name."""
    csca, _ = sample_state()
    renamed = replace(csca, name=name("UT", "CSCA renamed"))
    child, signer = (
        certificate(name("UT", who), ec_key(which=50), Scheme("ecdsa"), renamed, shape)
        for who, shape in (("CSCA new", CSCA), ("DS", SIGNER))
    )
    given = [parse_certificate(item.raw) for item in (csca, child, signer)]
    assert [(entry.kind, entry.signature) for entry in take_inventory(given)] == [
        (Kind.SELF_SIGNED, SignatureState.VALID),
        (Kind.LINK, SignatureState.VALID),
        (Kind.DOCUMENT_SIGNER, SignatureState.VALID),
    ]
    (alone,) = take_inventory(given[1:2])
    assert (alone.kind, alone.signature) == (Kind.ORPHAN, SignatureState.NO_PARENT)


# --- master lists -------------------------------------------------------------------------------


def stranger() -> Party:
    return certificate(name("XX", "CSCA"), ec_key(which=41), Scheme("ecdsa"))


def test_a_list_is_as_good_as_its_signer(tmp_path: Path) -> None:
    """Its signer's issuer is in the list, or given beside it, or the list is refused."""
    csca, _ = sample_state()
    path = tmp_path / "list.ml"
    path.write_bytes(master_list([csca.raw], list_signer()))
    assert len(TrustStore.load([path], realm=Realm.LIVE).anchors) == 1
    path.write_bytes(master_list([csca.raw], list_signer(stranger())))
    with pytest.raises(MalformedCertificateError, match="no given CSCA issued"):
        TrustStore.load([path], realm=Realm.LIVE)
    given = tmp_path / "xx.der"
    given.write_bytes(stranger().raw)
    assert len(TrustStore.load([path, given], realm=Realm.LIVE).anchors) == 2
    # Another list does not vouch: only what was given for itself.
    other = tmp_path / "other.ml"
    other.write_bytes(master_list([stranger().raw], list_signer(stranger())))
    with pytest.raises(MalformedCertificateError, match="no given CSCA issued"):
        TrustStore.load([path, other], realm=Realm.LIVE)


def test_a_list_may_send_the_csca_of_its_signer_along(tmp_path: Path) -> None:
    """As ICAO's does: the CSCA vouches for the list, and is no anchor by that."""
    listed, publisher = Issuer.generate(kind=KeyKind.P256), Issuer.generate(country="XX")
    path = tmp_path / "list.ml"
    path.write_bytes(build([listed.csca.certificate], publisher))
    store = TrustStore.load([path], realm=Realm.TEST)
    assert [anchor.country for anchor in store.anchors] == ["VN"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
        lambda raw: raw.replace(b"CSCA", b"CSCB", 1),
    ],
)
def test_a_changed_list_is_refused(spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    raw = spoil(master_list([sample_state()[0].raw], list_signer()))
    assert parse_master_list(raw).signature is ListSignature.INVALID
    (tmp_path / "list.ml").write_bytes(raw)
    with pytest.raises(MalformedCertificateError, match="signature of the master list"):
        TrustStore.load([tmp_path], realm=Realm.LIVE)


def test_another_signed_object_is_no_list() -> None:
    csca, signer = sample_state()
    with pytest.raises(MalformedCertificateError, match="no CSCA master list"):
        parse_certificate_file(signed_data(b"content", signer))
    content = sequence(integer(0), b"\x31" + bytes([0]))
    form = Form(content_type="2.23.136.1.1.2", attribute_type="2.23.136.1.1.1")
    with pytest.raises(MalformedCertificateError):
        parse_certificate_file(signed_data(content, signer, form=form))
    listed = sequence(integer(0), b"\x31\x82" + len(csca.raw).to_bytes(2, "big") + csca.raw)
    assert parse_master_list(signed_data(listed, signer, form=form)).signature == "invalid"


def test_the_number_of_entries_has_a_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_files, "MAX_LISTED", 3)
    csca, signer = sample_state()
    entry = ("userCertificate", signer.raw)
    for data in (
        ldif(*[entry] * 4),
        master_list([csca.raw] * 4, signer),
        pem("CERTIFICATE", csca.raw) * 4,
    ):
        with pytest.raises(MalformedCertificateError) as caught:
            parse_certificate_file(data)
        assert caught.value.reason is CardReason.TOO_LARGE


# --- the store in memory ------------------------------------------------------------------------


def test_the_same_bytes_give_the_same_store(tmp_path: Path) -> None:
    csca, _ = sample_state()
    path = tmp_path / "csca.der"
    path.write_bytes(csca.raw)
    first = TrustStore.load([path], realm=Realm.LIVE)
    assert TrustStore.load([path], realm=Realm.LIVE) is first
    assert TrustStore.load([path], realm=Realm.TEST) is not first
    path.write_bytes(stranger().raw)
    assert TrustStore.load([path], realm=Realm.LIVE).anchors != first.anchors
    path.write_bytes(csca.raw)
    crl = tmp_path / "list.crl"
    crl.write_bytes(revocation_list(csca))
    assert TrustStore.load([path], crls=[crl], realm=Realm.LIVE).crls != first.crls
    trust_store.forget()
    again = TrustStore.load([path], realm=Realm.LIVE)
    assert again is not first
    assert again.anchors == first.anchors


def test_few_stores_are_kept(tmp_path: Path) -> None:
    trust_store.forget()
    path = tmp_path / "csca.der"
    for number in range(trust_store.MAX_KEPT + 2):
        shape = replace(CSCA, serial=bytes([number + 1]))
        path.write_bytes(
            certificate(name("UT", "CSCA"), ec_key(), Scheme("ecdsa"), shape=shape).raw
        )
        TrustStore.load([path], realm=Realm.LIVE)
    assert len(trust_store._loaded) == trust_store.MAX_KEPT
