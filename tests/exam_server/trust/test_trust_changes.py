"""Two officers change the trust by commands; one alone, another way or another server does not."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from server_world import BACH
from sqlmodel import select
from trust_office import AN, BINH, CHAU, PASSPHRASE, Authority, Office

from card_reader.simulator.issuer import Issuer
from card_reader.trust.certificates import parse_certificates
from card_reader.trust.collection import EntryKind, SignedCollection
from card_reader.trust.store import Realm
from exam_server import audit, cli, db, directory, durable, keys
from exam_server.trust import officers, service
from exam_server.trust.source import TrustInForce

pytestmark = pytest.mark.slow


def sha256_of(path: Path) -> str:
    return parse_certificates(path.read_bytes())[0].sha256


def test_two_officers_put_an_issuer_in_force(
    office: Office, files: Path, tmp_path: Path, capsys
) -> None:
    with directory.open_server(office.server) as opened:
        running = TrustInForce(
            office.server, opened.engine, own=opened.public_key(), realm=Realm.LIVE
        )
        assert running().anchors == ()
        change = tmp_path / "change"
        code, fields, _ = office.propose(
            capsys, change, "--add", files / "csca.pem", files / "list.crl",
            "--pin", files / "signer.pem",
        )  # fmt: skip
        assert code == 0
        assert (fields["version"], fields["proposed_by"], fields["signers"]) == (1, AN, [AN])
        assert [line.split(":")[0] for line in fields["added"]] == ["anchor", "crl", "pinned"]
        assert sha256_of(files / "csca.pem") in fields["added"][0]
        assert running().anchors == ()

        code, fields, error = office.countersign(capsys, change)
        assert (code, fields["signers"]) == (0, [AN, BINH])
        assert "CSCA Việt Nam" in error and "chứng thư mới của nơi cấp" in error
        assert running().anchors == ()

        code, fields, _ = office.apply(capsys, change)
        assert (code, fields["version"], fields["signers"]) == (0, 1, [AN, BINH])
        store = running()
        assert [item.sha256 for item in store.anchors] == [sha256_of(files / "csca.pem")]
        assert len(store.crls) == len(store.pinned) == 1
        assert running() is store

    code, shown, _ = office.run(capsys, "trust", "show", office.server)
    assert (code, shown["version"], shown["digest"]) == (0, 1, fields["digest"])
    assert {entry["kind"] for entry in shown["entries"]} == {"anchor", "crl", "pinned"}
    assert all(entry["added_by"] == AN and entry["reason"] for entry in shown["entries"])
    newest = shown["history"][0]
    assert (newest["proposed_by"], newest["countersigned_by"], newest["added"]) == (AN, BINH, 3)
    assert office.run(capsys, "status", office.server)[1]["anchors"] == 1
    assert office.run(capsys, "audit", "verify", office.server)[:2] == (
        0, {"audit_entries": 2, "attempts": 0, "records": 0, "faults": []},
    )  # fmt: skip


def test_the_next_version_removes_and_says_what_it_would_do(
    office: Office, files: Path, tmp_path: Path, capsys
) -> None:
    office.change(capsys, tmp_path / "one", "--add", files)
    second, gone = tmp_path / "two", sha256_of(files / "csca.pem")
    other = Authority("CSCA 2").save(tmp_path / "other") / "csca.pem"
    words = ("--add", other, files / "list.crl", "--remove", gone.upper())
    code, _, error = office.propose(capsys, second, *words, by=CHAU)
    assert code == 0
    assert "1 are trusted already and left out" in error
    code, shown, _ = office.run(capsys, "trust", "show", office.server, "--change", second)
    pending = shown["pending"]
    assert (shown["version"], pending["version"], pending["signers"]) == (1, 2, [CHAU])
    assert gone in pending["removed"][0] and sha256_of(other) in pending["added"][0]
    assert office.countersign(capsys, second, by=BINH)[0] == 0
    code, fields, _ = office.apply(capsys, second)
    assert (code, fields["added"], fields["removed"]) == (0, 1, 1)
    shown = office.run(capsys, "trust", "show", office.server)[1]
    assert sha256_of(other) in {entry["sha256"] for entry in shown["entries"]}
    assert gone not in {entry["sha256"] for entry in shown["entries"]}


def test_a_link_that_becomes_an_anchor_does_not_pass_unseen(
    office: Office, files: Path, tmp_path: Path, capsys
) -> None:
    """The bytes are the same, and what they are worth is not."""
    one, two = tmp_path / "one", tmp_path / "two"
    office.change(capsys, one, "--link", files / "csca.pem")
    office.propose(capsys, two, "--add", Authority("CSCA 2").save(tmp_path / "2") / "csca.pem")
    proposed = service.read_change(two.read_bytes()).collection
    entries = tuple(
        replace(
            entry,
            kind=EntryKind.ANCHOR,
            added_by=proposed.proposed_by,
            reason=proposed.reason,
            added_at=proposed.made_at,
        )
        for entry in proposed.entries
    )
    forged = replace(proposed, entries=entries)
    key = officers.open_key(office.key(AN)[1], PASSPHRASE)
    two.write_bytes(SignedCollection(forged, {AN: key.sign(forged.to_bytes())}).to_bytes())
    code, shown, _ = office.run(capsys, "trust", "show", office.server, "--change", two)
    gone = sha256_of(files / "csca.pem")
    added = [line for line in shown["pending"]["added"] if gone in line]
    assert code == 0
    assert [line.split(":")[0] for line in added] == ["anchor"]
    assert [line.split(":")[0] for line in shown["pending"]["removed"]] == ["link"]


def test_one_officer_is_not_two(office: Office, files: Path, tmp_path: Path, capsys) -> None:
    change = tmp_path / "change"
    office.propose(capsys, change, "--add", files)
    code, fields, _ = office.apply(capsys, change)
    assert code == 2 and "1 officers signed the collection, 2 must" in fields["error"]
    before = change.read_bytes()
    code, fields, _ = office.countersign(capsys, change, by=AN)
    assert code == 2 and "1 officers signed" in fields["error"]
    assert change.read_bytes() == before
    assert office.run(capsys, "trust", "show", office.server)[1]["version"] == 0


def test_a_strangers_key_signs_nothing(office: Office, files: Path, tmp_path: Path, capsys) -> None:
    officers.make_key(tmp_path / "stranger.key", "passphrase of an officer")
    change = tmp_path / "change"
    office.propose(capsys, change, "--add", files)
    words = ("--yes", "--key", tmp_path / "stranger.key")
    code, fields, _ = office.run(capsys, "trust", "countersign", office.server, change, *words)
    assert code == 2 and "no officer's of this server" in fields["error"]


def test_nobody_signs_without_having_looked(
    office: Office, files: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    change = tmp_path / "change"
    office.propose(capsys, change, "--add", files)
    words = ("trust", "countersign", office.server, change, *office.key(BINH))
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        code, fields, error = office.run(capsys, *words)
    assert code == 2 and "--yes" in fields["error"] and "CSCA Việt Nam" in error

    class Terminal:
        answer = "no\n"

        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return self.answer

    monkeypatch.setattr(sys, "stdin", Terminal())
    assert office.run(capsys, *words)[:2] == (1, {"signed": False})
    monkeypatch.setattr(Terminal, "answer", "có\n")
    assert office.run(capsys, *words)[0] == 0


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (["{an}={one}"], "two officers at least"),
        (["{an}={one}", "{an}={two}"], "same name"),
        (["{an}={one}", "nguyễn thị an={two}"], "same name"),
        (["{an}={one}", "{binh}={one}"], "same key"),
        (["{an}={one}", "{binh}=abc"], "is no officer"),
        (["{an}={one}", "={two}"], "is no officer"),
    ],
)
def test_officers_are_two_persons_with_two_keys(
    empty_servers: Path, public_keys: dict[str, str], named: list[str], said: str, capsys,
    tmp_path: Path,
) -> None:  # fmt: skip
    fill = {"an": AN, "binh": BINH, "one": public_keys[AN], "two": public_keys[BINH]}
    office = Office(empty_servers / "live", tmp_path)
    words = [f"--officer={text.format(**fill)}" for text in named]
    code, fields, _ = office.run(capsys, "trust", "found", office.server, *words)
    assert code == 2 and said in fields["error"]


def test_officers_are_founded_once(office: Office, public_keys: dict[str, str], capsys) -> None:
    words = [f"--officer={name}={public_keys[name]}" for name in (AN, BINH)]
    code, fields, _ = office.run(capsys, "trust", "found", office.server, *words)
    assert code == 2 and "are founded" in fields["error"]


def test_nothing_is_proposed_before_there_are_officers(
    empty_servers: Path, officer_keys: Path, files: Path, tmp_path: Path, capsys
) -> None:
    office = Office(empty_servers / "live", officer_keys)
    code, fields, _ = office.propose(capsys, tmp_path / "change", "--add", files)
    assert code == 2 and "trust found" in fields["error"]


def test_two_officers_change_the_officers(
    office: Office, files: Path, tmp_path: Path, capsys
) -> None:
    office.change(capsys, tmp_path / "first", "--add", files)
    code, made, _ = office.run(capsys, "trust", "officer", "Đỗ Dung", "--out", tmp_path / "d.key")
    assert code == 0 and len(made["fingerprint"].replace(" ", "")) == 64
    change = tmp_path / "officers"
    words = ("--add", made["officer"], "--remove", AN, "--reason", "nghỉ hưu", "--out", change)
    code, fields, _ = office.run(
        capsys, "trust", "officers", office.server, *words, *office.key(AN)
    )
    assert code == 0 and made["fingerprint"] in fields["added"][0]
    code, fields, _ = office.apply(capsys, change)
    assert code == 2 and "1 officers signed the change" in fields["error"]
    assert office.countersign(capsys, change, by=AN)[0] == 2
    assert office.countersign(capsys, change, by=BINH)[0] == 0
    code, fields, _ = office.apply(capsys, change)
    assert (code, fields["kind"], fields["added"], fields["removed"]) == (0, "officers", 1, 1)
    # What the former officer signed stays in force; she signs nothing more.
    shown = office.run(capsys, "trust", "show", office.server)[1]
    assert {one["name"] for one in shown["officers"]} == {BINH, CHAU, "Đỗ Dung"}
    assert shown["version"] == 1
    code, fields, _ = office.propose(
        capsys, tmp_path / "late", "--remove", shown["entries"][0]["sha256"]
    )
    assert code == 2 and "no officer's of this server" in fields["error"]
    assert office.apply(capsys, change)[0] == 2
    assert office.run(capsys, "audit", "verify", office.server)[1]["faults"] == []


def test_the_last_two_officers_stay_two(office: Office, tmp_path: Path, capsys) -> None:
    words = ("--remove", AN, "--remove", BINH, "--reason", "x", "--out", tmp_path / "change")
    code, fields, _ = office.run(
        capsys, "trust", "officers", office.server, *words, *office.key(AN)
    )
    assert code == 2 and "two officers at least" in fields["error"]


def test_a_change_of_another_realm_or_server_is_refused(
    office: Office, rehearsal: Office, files: Path, tmp_path: Path, capsys
) -> None:
    change = tmp_path / "change"
    rehearsal.propose(capsys, change, "--add", files)
    rehearsal.countersign(capsys, change)
    code, fields, _ = office.apply(capsys, change)
    assert code == 2 and "of the realm test, this server of live" in fields["error"]
    assert rehearsal.apply(capsys, change)[0] == 0


def test_a_test_issuer_is_nobody_in_live(office: Office, tmp_path: Path, capsys) -> None:
    Issuer.generate(name="Bộ Công an").save(tmp_path / "issuer")
    code, fields, _ = office.propose(
        capsys, tmp_path / "change", "--add", tmp_path / "issuer/csca.pem"
    )
    assert code == 2 and "test issuer" in fields["error"]
    code, fields, _ = office.propose(
        capsys, tmp_path / "change", "--pin", tmp_path / "issuer/ds.pem"
    )
    assert code == 2


def test_a_live_server_loads_no_loose_files(office: Office, files: Path, capsys) -> None:
    code, fields, _ = office.run(capsys, "load", "trust", office.server, files)
    assert code == 2 and "trust propose" in fields["error"]
    folder = office.server / "trust/anchors"
    folder.mkdir(parents=True)
    shutil.copy(files / "csca.pem", folder)
    assert office.run(capsys, "status", office.server)[1]["anchors"] == 0


def test_a_test_server_loads_loose_files_until_officers_decide(
    rehearsal: Office, files: Path, tmp_path: Path, capsys
) -> None:
    assert rehearsal.run(capsys, "load", "trust", rehearsal.server, files)[0] == 0
    shown = rehearsal.run(capsys, "trust", "show", rehearsal.server)[1]
    assert (shown["version"], len(shown["entries"])) == (0, 2)
    other = Authority("CSCA 2").save(tmp_path / "other") / "csca.pem"
    rehearsal.change(capsys, tmp_path / "change", "--add", other)
    shown = rehearsal.run(capsys, "trust", "show", rehearsal.server)[1]
    assert [entry["sha256"] for entry in shown["entries"]] == [sha256_of(other)]
    code, fields, _ = rehearsal.run(capsys, "load", "trust", rehearsal.server, files)
    assert code == 2 and "in force" in fields["error"]


def test_a_signer_is_pinned_from_a_cards_own_file(
    rehearsal: Office, tmp_path: Path, capsys, issue, issuer
) -> None:
    file = tmp_path / "EF.SOD.bin"
    card = issue(BACH)
    file.write_bytes(card.files[0x011D])
    code, fields, _ = rehearsal.propose(capsys, tmp_path / "change", "--pin", file)
    signer = issuer.signer.certificate.public_bytes(Encoding.DER)
    assert code == 0 and hashlib.sha256(signer).hexdigest() in fields["added"][0]
    spoilt = bytearray(card.files[0x011D])
    spoilt[-1] ^= 1
    file.write_bytes(spoilt)
    code, fields, _ = rehearsal.propose(capsys, tmp_path / "other", "--pin", file)
    assert code == 2 and "signature" in fields["error"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--add", "{tmp}/none"], "does not exist"),
        (["--add", "{files}/signer.pem"], "no issuer's certificate"),
        (["--pin", "{files}/csca.pem"], "cannot be of kind pinned"),
        (["--link", "{files}/signer.pem"], "cannot be of kind link"),
        (["--remove", "ab" * 32], "not in the collection"),
        ([], "the change is empty"),
        (["--add", "{files}", "--reason", " "], "no reason"),
    ],
)
def test_a_change_that_cannot_be_made_gives_one_line(
    office: Office, files: Path, tmp_path: Path, capsys, words: list[str], said: str
) -> None:
    filled = [text.format(tmp=tmp_path, files=files) for text in words]
    code, fields, error = office.propose(capsys, tmp_path / "change", *filled)
    assert code == 2 and said in fields["error"]
    assert error.count("\n") == 1 and not (tmp_path / "change").exists()


def test_an_officers_key_opens_for_its_passphrase_alone(
    office: Office, files: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    key = office.key(AN)[1]
    assert key.stat().st_mode & 0o777 == 0o600
    code, fields, _ = office.run(capsys, "trust", "officer", "X", "--out", key)
    assert code == 2 and "exists" in fields["error"]
    monkeypatch.setenv("EXAM_OFFICER_PASSPHRASE", "another passphrase")
    code, fields, _ = office.propose(capsys, tmp_path / "change", "--add", files)
    assert code == 2 and "passphrase" in fields["error"]
    durable.write_file(tmp_path / "other", keys.lock(b"no key", "another passphrase"))
    words = ("--add", files, "--key", tmp_path / "other")
    code, fields, _ = office.propose(capsys, tmp_path / "change", *words)
    assert code == 2 and "no officer's key" in fields["error"]


@pytest.mark.slow
def test_the_same_by_processes(office: Office, files: Path, tmp_path: Path) -> None:
    def call(*arguments: object) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "exam_server.cli", "trust", *map(str, arguments)],
            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    server, change = office.server, tmp_path / "change"
    words = ("--add", files, "--reason", "mới", "--out", change)
    assert "signed by Nguyễn Thị An" in call("propose", server, *words, *office.key(AN))
    call("countersign", server, change, "--yes", *office.key(BINH))
    assert "trust 1 is in force: 2 added" in call("apply", server, change)


def test_a_person_reads_it_all(
    office: Office, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["trust", "show", str(office.server)]) == 0
    assert "every card is left to a proctor" in capsys.readouterr().out
    office.change(capsys, tmp_path / "change", "--add", files)
    assert cli.main(["trust", "show", str(office.server)]) == 0
    shown = capsys.readouterr().out
    assert "version 1, " in shown and "anchor: Common Name: CSCA Việt Nam, Country: VN" in shown
    assert f"{AN} and {BINH}: chứng thư mới" in shown and f"officer {CHAU}: " in shown


def test_every_step_is_logged(office: Office, files: Path, tmp_path: Path, capsys) -> None:
    office.change(capsys, tmp_path / "change", "--add", files)
    with directory.open_server(office.server) as opened, db.reading(opened.engine) as session:
        rows = session.exec(select(audit.AuditEntry)).all()
        sealed = session.exec(select(audit.AuditSeal.sequence)).all()
    assert [row.action for row in rows] == ["trust_officers_founded", "trust_changed"]
    assert list(sealed) == [1, 2]
    assert f'"proposed_by": "{AN}"' in rows[1].details and '"added": 2' in rows[1].details
