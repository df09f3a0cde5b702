"""The signed trust collection: two persons for a change, no way back, no other bytes."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from trust_builder import (
    CSCA,
    NOW,
    Scheme,
    certificate,
    ec_key,
    extension,
    name,
    octets,
    revocation_list,
    sample_state,
)

from card_reader.trust.certificates import TEST_ISSUER
from card_reader.trust.collection import (
    Change,
    EntryKind,
    SignedCollection,
    TrustChangeRefusedError,
    TrustCollection,
    apply_change,
    countersign,
    load,
    propose,
)
from card_reader.trust.store import Realm

KEYS = {
    who: Ed25519PrivateKey.from_private_bytes(who.encode() * 8) for who in ("anna", "binh", "chau")
}
OFFICERS = {who: key.public_key().public_bytes_raw() for who, key in KEYS.items()}
FIRST, SECOND, THIRD = OFFICERS


def change(*kinds: EntryKind, reason: str = "the state's new issuer") -> Change:
    csca, signer = sample_state()
    contents = {
        EntryKind.ANCHOR: csca.raw,
        EntryKind.PINNED: signer.raw,
        EntryKind.LINK: certificate(name("UT", "CSCA 2"), ec_key(which=3), csca.scheme, csca).raw,
        EntryKind.CRL: revocation_list(csca, [b"\x63"]),
    }
    return Change(reason, tuple((kind, contents[kind]) for kind in kinds))


def proposal(
    wanted: Change,
    current: TrustCollection | None = None,
    *,
    by: str = FIRST,
    realm: Realm = Realm.LIVE,
) -> SignedCollection:
    return propose(current, wanted, realm=realm, officer=by, sign=KEYS[by].sign, now=NOW)


def countersigned(
    wanted: SignedCollection, current: TrustCollection | None = None, *, by: str = SECOND
) -> SignedCollection:
    return countersign(current, wanted, officer=by, sign=KEYS[by].sign, officers=OFFICERS)


@pytest.fixture(scope="module")
def first() -> SignedCollection:
    return countersigned(proposal(change(EntryKind.ANCHOR, EntryKind.CRL)))


def test_two_officers_put_a_version_in_force(first: SignedCollection) -> None:
    collection = apply_change(None, first, officers=OFFICERS)
    raw = first.to_bytes()
    assert load(raw, officers=OFFICERS, realm=Realm.LIVE, seen=None) == collection
    assert (collection.version, collection.previous) == (1, None)
    store = collection.store()
    assert (len(store.anchors), len(store.crls), store.realm) == (1, 1, Realm.LIVE)
    assert {item.added_by for item in collection.entries} == {FIRST}
    assert {item.reason for item in collection.entries} == {"the state's new issuer"}
    assert {item.added_at for item in collection.entries} == {NOW}
    assert SignedCollection.from_bytes(raw).to_bytes() == raw


def test_versions_follow_each_other(first: SignedCollection) -> None:
    current = apply_change(None, first, officers=OFFICERS)
    added = countersigned(
        proposal(change(EntryKind.PINNED, EntryKind.LINK), current, by=SECOND), current, by=THIRD
    )
    second = apply_change(current, added, officers=OFFICERS)
    assert (second.version, second.previous) == (2, current.digest)
    store = second.store()
    assert (len(store.anchors), len(store.pinned)) == (2, 1)  # the link is vouched for
    removed = frozenset({second.entries[0].sha256})
    without = countersigned(
        proposal(Change("revoked by the state", remove=removed), second), second
    )
    third = apply_change(second, without, officers=OFFICERS)
    assert [item.sha256 for item in third.entries] == [i.sha256 for i in second.entries[1:]]
    assert third.store().anchors == ()  # a link alone is nobody
    for stale in (first, added):
        with pytest.raises(TrustChangeRefusedError, match="does not follow"):
            apply_change(third, stale, officers=OFFICERS)


def test_one_person_is_not_two(first: SignedCollection) -> None:
    alone = proposal(change(EntryKind.ANCHOR))
    with pytest.raises(TrustChangeRefusedError, match="1 officers signed"):
        apply_change(None, alone, officers=OFFICERS)
    with pytest.raises(TrustChangeRefusedError, match="1 officers signed"):
        countersigned(alone, by=FIRST)
    # One key under two names is one person.
    twin = {**OFFICERS, SECOND: OFFICERS[FIRST]}
    with pytest.raises(TrustChangeRefusedError, match="1 officers signed"):
        countersign(None, alone, officer=SECOND, sign=KEYS[FIRST].sign, officers=twin)
    # A former officer's signature counts no more.
    with pytest.raises(TrustChangeRefusedError, match="no officer's"):
        apply_change(None, first, officers={FIRST: OFFICERS[FIRST], THIRD: OFFICERS[THIRD]})


def test_signatures_are_over_these_bytes(first: SignedCollection) -> None:
    other = replace(first.collection, reason="another reason")
    with pytest.raises(TrustChangeRefusedError, match="does not verify"):
        apply_change(None, replace(first, collection=other), officers=OFFICERS)
    with pytest.raises(TrustChangeRefusedError, match="did not sign"):
        countersigned(replace(first, signatures={}))


def test_nobody_brings_an_older_state_back(first: SignedCollection) -> None:
    current = apply_change(None, first, officers=OFFICERS)
    following = countersigned(proposal(change(EntryKind.LINK), current), current)
    second = apply_change(current, following, officers=OFFICERS)
    seen = (second.version, second.digest)
    raw = following.to_bytes()
    assert load(raw, officers=OFFICERS, realm=Realm.LIVE, seen=seen) == second
    with pytest.raises(TrustChangeRefusedError, match="older"):
        load(first.to_bytes(), officers=OFFICERS, realm=Realm.LIVE, seen=seen)
    rival = countersigned(proposal(change(EntryKind.PINNED), current), current)
    with pytest.raises(TrustChangeRefusedError, match="another version 2"):
        load(rival.to_bytes(), officers=OFFICERS, realm=Realm.LIVE, seen=seen)


def test_realms_never_meet(first: SignedCollection) -> None:
    with pytest.raises(TrustChangeRefusedError, match="realm live"):
        load(first.to_bytes(), officers=OFFICERS, realm=Realm.TEST, seen=None)
    current = apply_change(None, first, officers=OFFICERS)
    with pytest.raises(TrustChangeRefusedError, match="never changes its realm"):
        proposal(change(EntryKind.LINK), current, realm=Realm.TEST)
    marked = extension(TEST_ISSUER, octets(b""))
    issuer = certificate(
        name("VN", "CSCA"), ec_key(), Scheme("ecdsa"), shape=replace(CSCA, further=(marked,))
    )
    wanted = Change("an issuer of tests", ((EntryKind.ANCHOR, issuer.raw),))
    assert proposal(wanted, realm=Realm.TEST).collection.version == 1
    with pytest.raises(TrustChangeRefusedError, match="test issuer"):
        proposal(wanted)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Change("nothing"), "empty"),
        (Change(" ", change(EntryKind.ANCHOR).add), "no reason"),
        (Change("gone", remove=frozenset({"00" * 32})), "not in the collection"),
        (Change("bad", ((EntryKind.ANCHOR, b"\x30\x00"),)), "malformed"),
        (Change("kind", ((EntryKind.ANCHOR, sample_state()[1].raw),)), "of kind anchor"),
        (Change("kind", ((EntryKind.PINNED, sample_state()[0].raw),)), "of kind pinned"),
        (Change("twice", change(EntryKind.ANCHOR).add * 2), "twice"),
    ],
)
def test_changes_that_make_no_sense(wanted: Change, said: str) -> None:
    with pytest.raises(TrustChangeRefusedError, match=said):
        proposal(wanted)


def test_an_entry_names_who_added_it(first: SignedCollection) -> None:
    """Nobody slips an entry under another officer's name, not even with two signatures."""
    entry = replace(first.collection.entries[0], added_by=THIRD)
    forged = replace(first.collection, entries=(entry, *first.collection.entries[1:]))
    body = forged.to_bytes()
    signed = SignedCollection(forged, {who: KEYS[who].sign(body) for who in (FIRST, SECOND)})
    with pytest.raises(TrustChangeRefusedError, match="names another officer"):
        apply_change(None, signed, officers=OFFICERS)


@pytest.mark.parametrize("sign", ["\n", "\x1b[2K", "\u202e"], ids=ascii)
def test_a_text_that_steers_a_screen_is_refused(sign: str) -> None:
    """The second officer decides by what the terminal shows of the first one's words."""
    reason = f"new issuer{sign}nothing is removed"
    with pytest.raises(TrustChangeRefusedError, match="one line"):
        proposal(change(EntryKind.ANCHOR, reason=reason))
    sound = proposal(change(EntryKind.ANCHOR)).collection
    entries = tuple(replace(entry, reason=reason) for entry in sound.entries)
    forged = replace(sound, reason=reason, entries=entries)
    signed = SignedCollection(forged, {FIRST: KEYS[FIRST].sign(forged.to_bytes())})
    with pytest.raises(TrustChangeRefusedError, match="unknown form"):
        SignedCollection.from_bytes(signed.to_bytes())


def test_the_bytes_are_canonical(first: SignedCollection) -> None:
    raw = first.to_bytes()
    rebuilt = cbor2.dumps(cbor2.loads(raw), canonical=True)
    assert rebuilt == raw
    assert b"truong-thi/trust-collection" in raw
    assert first.collection.to_bytes() in raw
    assert propose(
        None,
        change(EntryKind.ANCHOR),
        realm=Realm.LIVE,
        officer=FIRST,
        sign=KEYS[FIRST].sign,
        now=datetime(2026, 6, 1, 12, 0, 0, 999, tzinfo=UTC),
    ) == proposal(change(EntryKind.ANCHOR))


@given(data=st.data())
def test_no_damage_is_taken_for_a_collection(data: st.DataObject, first: SignedCollection) -> None:
    raw = bytearray(first.to_bytes())
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(TrustChangeRefusedError):
        load(bytes(raw), officers=OFFICERS, realm=Realm.LIVE, seen=None)


@given(raw=st.binary(max_size=200))
def test_no_bytes_at_all_crash_it(raw: bytes) -> None:
    with contextlib.suppress(TrustChangeRefusedError):
        SignedCollection.from_bytes(raw)
