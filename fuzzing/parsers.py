"""Every parser of `card_reader`: bytes, or text, of a card, a file or a person."""

import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import TypeVar

from card_reader import asn1, cli, cms, distinguished_names, tlv
from card_reader.access.citizen_card import password_of_mrz, passwords_of_qr
from card_reader.access.citizen_qr import parse_qr
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.chip.chip_authentication import agree, choose
from card_reader.chip.terminal_session import TerminalSession
from card_reader.cli import EXIT_UNUSABLE
from card_reader.commands import EXIT_NEGATIVE, EXIT_POSITIVE
from card_reader.errors import CardError, MalformedFileError
from card_reader.evidence import ChipEvidence
from card_reader.lds import (
    atr_info,
    card_access,
    card_security,
    com,
    dg1,
    dg2,
    dg7,
    dg11,
    dg12,
    dg13,
    dg14,
    dg15,
    directory,
    images,
    mrz,
    security_infos,
    sod,
)
from card_reader.lds.dates import day_of_printed
from card_reader.masking import ber_tree
from card_reader.masking.invention import Inventor
from card_reader.masking.mask import mask_atr
from card_reader.names import fits_mrz
from card_reader.reading import capabilities
from card_reader.reading.opening import best_pace, is_ambiguous
from card_reader.reading.strategy import CardMemory
from card_reader.sessions.replay import replay
from card_reader.sessions.session_file import Session
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.recipe import Recipe
from card_reader.trust.certificates import parse_certificate, parse_certificates
from card_reader.trust.crl import parse_crl
from card_reader.trust.inventory import take_inventory
from card_reader.trust.keys import describe_public_key, parse_public_key
from card_reader.trust.master_list import parse_certificate_file, parse_crl_file
from card_reader.trust.signatures import parse_signature_algorithm
from fuzzing import corpus
from fuzzing.target import FindingError, Target, require

Parse = Callable[[bytes], object]
Parsed = TypeVar("Parsed")
_QR_TEXTS = (
    "001206012345|123456789|Nguyễn Văn An|17052006|Nam|Hà Nội|15012025",
    "001206012345||Trần Thị Bình|17052006|Nữ|Số 1, Hà Nội|15012025",
    "001206012345|Nguyễn Văn An|17052006|Nam|Hà Nội|15012025",
)


def _text(parse: Callable[[str], object]) -> Parse:
    return lambda raw: parse(raw.decode("utf-8", "surrogateescape"))


def _document(load: Callable[[Path], object]) -> Parse:
    """A reader of files, given the bytes as one."""

    def parse(raw: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "document.json"
            path.write_bytes(raw)
            return load(path)

    return parse


def _again(parse: Callable[[bytes], Parsed], encode: Callable[[Parsed], bytes]) -> Parse:
    """What was parsed and encoded means the same when it is parsed once more."""

    def check(raw: bytes) -> None:
        parsed = parse(raw)
        try:
            again = parse(encode(parsed))
        except CardError as error:
            raise FindingError(f"what was read cannot be written and read: {error}") from error
        require(again == parsed, "what was written reads otherwise")

    return check


def _citizen_details(raw: bytes) -> dg13.CitizenDetails:
    """EF.DG13; the entries that nobody can name in one order, since they are written in DER's."""
    details = dg13.parse(raw)
    return replace(details, unknown=tuple(sorted(details.unknown)))


def _security_infos(raw: bytes) -> None:
    """All views of the entries, and what the reader makes of them."""
    infos = security_infos.parse_infos(raw)
    security_infos.pace_domain_parameters(infos)
    security_infos.chip_authentication_infos(infos)
    security_infos.active_authentication_info(infos)
    security_infos.terminal_authentication_infos(infos)
    is_ambiguous(infos)
    choice = choose(infos)
    if choice is not None:
        agree(choice[1].spki, corpus.rng_of(1).randbytes)
    if security_infos.offers_pace(infos):
        best_pace(infos)


def _response(raw: bytes) -> None:
    response = ResponseApdu.from_bytes(raw)
    require(response.to_bytes() == raw, "a response changes on its way")


def _command(raw: bytes) -> None:
    command = CommandApdu.from_bytes(raw)
    require(CommandApdu.from_bytes(command.to_bytes()) == command, "a command changes on its way")


def _certificate_file(raw: bytes) -> None:
    found = parse_certificate_file(raw)
    take_inventory(found.certificates)


def _simulated_chip(raw: bytes) -> None:
    """The chip answers everything: commands one behind another, each with its length before it."""
    chip = Chip(corpus.original("pace").card, corpus.rng_of(1).randbytes, lambda _: None)
    position = 0
    while position < len(raw):
        end = position + 1 + raw[position]
        require(len(chip.transmit(raw[position + 1 : end])) >= 2, "the chip answers nothing")
        position = end


def _names(text: str) -> None:
    printed, _, zone = text.partition("\n")
    fits_mrz(printed, zone)


def _day(text: str) -> None:
    try:
        day_of_printed(text)
    except ValueError as error:
        raise MalformedFileError("no day") from error


def _session(raw: bytes) -> None:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise MalformedFileError("no JSON") from error
    replay(Session.parse(document))


def _terminal_session(raw: bytes) -> None:
    require(TerminalSession.from_bytes(raw).to_bytes() == raw, "a session changes in the database")


def _command_line(name: str, *exits: int) -> Callable[[Path], None]:
    """The command over a file: it says one of these, and never shows a traceback."""

    def check(path: Path) -> None:
        said, complained = StringIO(), StringIO()
        with redirect_stdout(said), redirect_stderr(complained):
            code = cli.main([name, str(path), "--json"])
        require(code in exits, f"{name} ends with {code}")
        require("Traceback" not in complained.getvalue(), f"{name} shows a traceback")
        if code != EXIT_UNUSABLE:
            json.loads(said.getvalue())

    return check


def _files(*names: str) -> Callable[[], Sequence[bytes]]:
    return lambda: corpus.files(*names)


def _constant(*seeds: bytes) -> Callable[[], Sequence[bytes]]:
    return lambda: seeds


def _texts(*seeds: str) -> Callable[[], Sequence[bytes]]:
    return _constant(*(seed.encode() for seed in seeds))


# --- seeds ----------------------------------------------------------------------------------------


@cache
def _signed_data() -> list[bytes]:
    return [tlv.parse(raw).value for raw in corpus.files("EF.SOD")] + corpus.files(
        "EF.CardSecurity"
    )


@cache
def _infos() -> list[bytes]:
    wrapped = [tlv.parse(raw).value for raw in corpus.files("EF.DG14")]
    return wrapped + corpus.files("EF.CardAccess")


@cache
def _keys() -> list[bytes]:
    own = [dg15.parse(raw) for raw in corpus.files("EF.DG15")]
    chip = [key.spki for raw in corpus.files("EF.DG14")
            for key in security_infos.chip_keys(dg14.parse(raw))]  # fmt: skip
    authorities = [parse_certificate(raw).spki for raw in corpus.certificates()]
    return [*own, *chip, *authorities]


@cache
def _algorithms() -> list[bytes]:
    signed = [cms.parse_signed_data(raw) for raw in _signed_data()]
    return [signer.signature_algorithm for item in signed for signer in item.signers]


@cache
def _zones() -> list[bytes]:
    """The lines that are printed on the cards."""
    zones = [tlv.parse(raw).value[3:] for raw in corpus.files("EF.DG1")]
    widths = [44 if len(zone) == 88 else 30 for zone in zones]
    return [
        b"\n".join(zone[at : at + width] for at in range(0, len(zone), width))
        for zone, width in zip(zones, widths, strict=True)
    ]


@cache
def _pictures() -> list[bytes]:
    return [image.data for raw in corpus.files("EF.DG2") for image in dg2.parse(raw)]


@cache
def _commands() -> list[bytes]:
    return [bytes.fromhex(item["command"]) for item in _exchanges()]


@cache
def _responses() -> list[bytes]:
    return [bytes.fromhex(item["response"]) for item in _exchanges()]


def _exchanges() -> list[dict[str, str]]:
    found: list[dict[str, str]] = [
        item for raw in corpus.sessions() for item in json.loads(raw)["exchanges"]
    ]
    return found


@cache
def _conversations() -> list[bytes]:
    """The plain commands of each session, for the chip."""
    plain = [
        [bytes.fromhex(item.get("plain_command", item["command"])) for item in document]
        for document in (json.loads(raw)["exchanges"] for raw in corpus.sessions())
    ]
    return [
        b"".join(bytes([len(command)]) + command for command in commands if len(command) < 256)
        for commands in plain
    ]


@cache
def _terminal_sessions() -> list[bytes]:
    random = corpus.rng_of(2).randbytes
    return [TerminalSession.create(raw, random).to_bytes() for raw in corpus.files("EF.DG14")
            if choose(dg14.parse(raw)) is not None]  # fmt: skip


@cache
def _memories() -> list[bytes]:
    memory = CardMemory()
    for item in corpus.originals():
        content = item.evidence.files.get("EF.CardAccess")
        memory.learn(item.card.atr, content, corpus.STRATEGY)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.json"
        memory.save(path)
        return [path.read_bytes()]


def _atrs() -> list[bytes]:
    return [item.card.atr for item in corpus.originals()]


def _mask_atr(raw: bytes) -> bytes:
    return mask_atr(raw, Inventor(lambda length: sha256(raw).digest() * (length // 32 + 1)))


_ALL_FILES = tuple(f"EF.{name}" for name in (
    "COM", "SOD", "DG1", "DG2", "DG7", "DG11", "DG12", "DG13", "DG14", "DG15",
    "CardAccess", "CardSecurity", "ATR/INFO", "DIR",
))  # fmt: skip

PARSERS: tuple[Target, ...] = (
    Target("tlv", tlv.parse_all, _files(*_ALL_FILES)),
    Target("ber_tree", ber_tree.parse_tree, _files(*_ALL_FILES)),
    Target("definite_form", asn1.definite_form, _signed_data),
    Target("command_apdu", _command, _commands),
    Target("response_apdu", _response, _responses),
    Target("atr", capabilities.of_atr, _atrs),
    Target("mask_atr", _mask_atr, _atrs),
    Target("EF.ATR/INFO", atr_info.parse, _files("EF.ATR/INFO")),
    Target("stated_lengths", capabilities.of_atr_info, _files("EF.ATR/INFO")),
    Target("EF.DIR", directory.parse, _files("EF.DIR")),
    Target("EF.CardAccess", card_access.parse, _files("EF.CardAccess")),
    Target("EF.CardSecurity", card_security.parse, _files("EF.CardSecurity")),
    Target("security_infos", _security_infos, _infos),
    Target("EF.COM", com.parse, _files("EF.COM")),
    Target("EF.SOD", sod.parse, _files("EF.SOD")),
    Target("EF.DG1", _again(dg1.parse, dg1.encode), _files("EF.DG1")),
    Target("EF.DG2", dg2.parse, _files("EF.DG2")),
    Target("EF.DG7", dg7.parse, _files("EF.DG7")),
    Target("EF.DG11", dg11.parse, _files("EF.DG11")),
    Target("EF.DG12", dg12.parse, _files("EF.DG12")),
    Target("EF.DG13", _again(_citizen_details, dg13.encode), _files("EF.DG13")),
    Target("EF.DG14", dg14.parse, _files("EF.DG14")),
    Target("EF.DG15", dg15.parse, _files("EF.DG15")),
    Target("image", images.checked, _pictures),
    Target("mrz_lines", _text(mrz.parse_lines), _zones),
    Target("mrz_password", _text(password_of_mrz), _zones),
    Target("citizen_qr", _text(parse_qr), _texts(*_QR_TEXTS)),
    Target(
        "qr_passwords",
        _text(lambda text: passwords_of_qr(parse_qr(text), today=corpus.NOW.date())),
        _texts(*_QR_TEXTS),
    ),
    Target("names", _text(_names), _texts("Nguyễn Văn An\nNGUYEN<<VAN<AN")),
    Target("printed_day", _text(_day), _texts("17/05/2006", "Không thời hạn")),
    Target("cms", cms.parse_signed_data, _signed_data),
    Target(
        "signature_algorithm", lambda raw: parse_signature_algorithm(raw, "sha256"), _algorithms
    ),
    Target("public_key", parse_public_key, _keys),
    Target("public_key_description", describe_public_key, _keys),
    Target("chip_key", lambda raw: agree(raw, corpus.rng_of(1).randbytes), _keys),
    Target("certificate", parse_certificate, corpus.certificates),
    Target("certificates", parse_certificates, corpus.certificate_lists),
    Target(
        "distinguished_name",
        distinguished_names.parse_name,
        lambda: [parse_certificate(raw).subject_raw for raw in corpus.certificates()],
    ),
    Target("crl", parse_crl, corpus.revocation_lists),
    Target("crl_file", parse_crl_file, corpus.revocation_lists),
    Target("certificate_file", _certificate_file, corpus.certificate_lists),
    Target(
        "evidence",
        ChipEvidence.from_bytes,
        lambda: [item.evidence.to_bytes() for item in corpus.originals()],
    ),
    Target("terminal_session", _terminal_session, _terminal_sessions),
    Target("session_file", _session, corpus.sessions),
    Target("card_file", _document(CardProfile.load), corpus.card_documents),
    Target("recipe_file", _document(Recipe.load), corpus.recipe_documents),
    Target("card_memory", _document(CardMemory.load), _memories),
    Target(
        "verify_command",
        _document(_command_line("verify", EXIT_NEGATIVE, EXIT_UNUSABLE)),  # no anchor was given
        _files("EF.SOD", "EF.DG1", "EF.CardSecurity"),
    ),
    Target(
        "trust_command",
        _document(_command_line("trust", EXIT_POSITIVE, EXIT_NEGATIVE, EXIT_UNUSABLE)),
        corpus.certificate_lists,
    ),
    Target("simulated_chip", _simulated_chip, _conversations),
)
