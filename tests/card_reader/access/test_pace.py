"""PACE against the simulated chip: every mapping, cipher and group, and chips that misbehave."""

import os
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import pytest
from asn1crypto import core
from hypothesis import given, settings
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.access.pace import (
    PaceRefusedError,
    PaceResult,
    pace,
    pace_group,
)
from card_reader.access.passwords import CanPassword, MrzPassword, Password
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.channel import Channel
from card_reader.domain_parameters import AnyGroup, DhGroup, public_key_info, standardised
from card_reader.errors import (
    AccessDeniedError,
    CardError,
    ChipError,
    UnreadableInputError,
    UnsupportedAlgorithmError,
)
from card_reader.lds.security_infos import Mapping, PaceDomainParameterInfo, PaceInfo
from card_reader.secure_messaging import Cipher, SecureMessaging, SessionKeys
from card_reader.simulator.pace import PaceRun, PaceSuite, WrongPasswordError
from card_reader.simulator.profile import PaceOffer

CAN = CanPassword("500540")
MRZ = MrzPassword("T22000129", "640812", "101031")
ID_PACE = "0.4.0.127.0.7.2.2.4"
GM_ECDH, IM_ECDH, CAM = f"{ID_PACE}.2.2", f"{ID_PACE}.4.2", f"{ID_PACE}.6.2"
DH_IDS, EC_IDS = (0, 1, 2), tuple(range(8, 19))
SECRET = 0x1234567  # the chip's static key of chip authentication mapping

Twist = Callable[[int, ResponseApdu], ResponseApdu]


def numbered(parameter_id: int) -> AnyGroup:
    group = standardised(parameter_id)
    assert group is not None
    return group


@dataclass
class Chip:
    """The simulated chip's own PACE; ``twist`` alters the answer of a step."""

    info: PaceInfo
    password: Password = CAN
    twist: Twist = lambda _, response: response
    commands: list[CommandApdu] = field(default_factory=list)
    atr = b""

    def __post_init__(self) -> None:
        self.answers = self._run()
        next(self.answers)

    def transmit(self, raw: bytes) -> bytes:
        command = CommandApdu.from_bytes(raw)
        self.commands.append(command)
        return self.twist(len(self.commands) - 1, self.answers.send(command)).to_bytes()

    def close(self) -> None:
        assert len(self.commands) == 5

    @property
    def keys(self) -> SessionKeys:
        """The session that the chip has opened."""
        session = self.run.session
        assert session is not None and session.counter == 0
        cipher = Cipher(self.info.cipher)
        return SessionKeys(cipher, session.ks_enc, session.ks_mac, bytes(cipher.block_size))

    def _run(self) -> Generator[ResponseApdu, CommandApdu, None]:
        command = yield ResponseApdu(b"", 0x6F00)
        assert (command.ins, command.p1, command.p2) == (0x22, 0xC1, 0xA4)
        suite = PaceSuite.of(PaceOffer(self.info.oid, self.info.parameter_id or 0))
        k_pi = suite.cipher.derive(self.password.pace_secret, 3)
        self.run = PaceRun(suite, k_pi, os.urandom, mapping_key=SECRET)
        command = yield ResponseApdu(b"", 0x9000)
        while True:
            try:
                response = dynamic(self.run.step(tlv.parse(command.data).children()))
            except WrongPasswordError:
                response = ResponseApdu(b"", 0x6300)
            command = yield response


def dynamic(objects: bytes) -> ResponseApdu:
    return ResponseApdu(tlv.encode(0x7C, objects), 0x9000)


def inside(command: CommandApdu, tag: int) -> bytes:
    return tlv.find(tlv.parse(command.data).children(), tag).value


def run(chip: Chip, password: Password = CAN, **options: Any) -> PaceResult:
    return Channel(chip).run(pace(password, chip.info, **options))


def combinations() -> list[tuple[str, int]]:
    """Every object identifier with its weakest group, every group with one identifier."""
    families = {1: (2, range(1, 5)), 2: (12, range(1, 5)), 3: (0, range(1, 5))}
    families |= {4: (13, range(1, 5)), 6: (13, range(2, 5))}
    ciphers = [
        (f"{ID_PACE}.{family}.{number}", parameter_id)
        for family, (parameter_id, numbers) in families.items()
        for number in numbers
    ]
    fields = [(f"{ID_PACE}.{family}.2", number) for family in (1, 3) for number in DH_IDS]
    curves = [(f"{ID_PACE}.{family}.4", number) for family in (2, 4, 6) for number in EC_IDS]
    return [item for item in ciphers + fields + curves if item != (f"{ID_PACE}.4.4", 10)]


@pytest.mark.parametrize("oid, parameter_id", combinations())
def test_every_combination_opens_a_session(oid: str, parameter_id: int) -> None:
    chip = Chip(PaceInfo(oid, 2, parameter_id))
    result = run(chip)
    chip.close()
    assert result.session.keys == chip.keys
    assert [command.cla for command in chip.commands] == [0x00, 0x10, 0x10, 0x10, 0x00]
    assert [command.data for command in chip.commands[1:2]] == [b"\x7c\x00"]
    assert (result.chip_mapping is not None) == (chip.info.mapping is Mapping.CHIP_AUTHENTICATION)
    if result.chip_mapping is not None:
        group = numbered(parameter_id)
        data = int.from_bytes(result.chip_mapping.data, "big")
        genuine = group.multiply(data, group.public(SECRET))
        assert group.encode(genuine) == result.chip_mapping.mapping_public_key


def test_long_answers_are_asked_for_in_extended_form() -> None:
    chip = Chip(PaceInfo(f"{ID_PACE}.1.2", 2, 1))
    run(chip)
    assert [command.extended for command in chip.commands] == [False, False, True, True, False]


def test_the_template_names_mechanism_password_and_parameters() -> None:
    oid = bytes(core.ObjectIdentifier(GM_ECDH).contents).hex()
    chip = Chip(PaceInfo(GM_ECDH, 2, 13), MRZ)
    run(chip, MRZ, name_parameters=True)
    assert chip.commands[0].data.hex() == f"800a{oid}83010184010d"
    assert chip.commands[0].le is None
    chip = Chip(PaceInfo(GM_ECDH, 2, 13))
    run(chip)
    assert chip.commands[0].data.hex() == f"800a{oid}830102"


def test_integrated_mapping_draws_the_nonce_first() -> None:
    drawn: list[int] = []

    def rng(length: int) -> bytes:
        drawn.append(length)
        return os.urandom(length - 1).rjust(length, b"\x01")

    run(Chip(PaceInfo(f"{ID_PACE}.4.4", 2, 9)), rng=rng)
    assert drawn == [32, 24]


@pytest.mark.parametrize("oid", [GM_ECDH, IM_ECDH, f"{ID_PACE}.1.2", f"{ID_PACE}.2.1"])
def test_a_wrong_password_is_access_denied(oid: str) -> None:
    chip = Chip(PaceInfo(oid, 2, 0 if oid == f"{ID_PACE}.1.2" else 13))
    with pytest.raises(AccessDeniedError) as caught:
        run(chip, CanPassword("123456"))
    assert "123456" not in str(caught.value)
    chip.close()


@pytest.mark.parametrize("sw", [0x6300, 0x63C2, 0x6A80, 0x6982, 0x6983, 0x6985])
def test_every_known_refusal_of_the_password(sw: int) -> None:
    chip = Chip(PaceInfo(GM_ECDH, 2, 12), twist=refusing(4, sw))
    with pytest.raises(AccessDeniedError, match="tries left: 2" if sw == 0x63C2 else "refused"):
        run(chip)


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("sw", [0x6A88, 0x6D00, 0x6700, 0x6F00, 0x6882])
def test_other_refusals_name_their_step(step: int, sw: int) -> None:
    with pytest.raises(PaceRefusedError) as caught:
        run(Chip(PaceInfo(GM_ECDH, 2, 12), twist=refusing(step, sw)))
    assert (caught.value.step, caught.value.sw) == (step, sw)
    assert f"{sw:04X}" in str(caught.value)


@pytest.mark.parametrize("sw", [0x6A80, 0x6982, 0x6985, 0x6300])
def test_a_refused_template_is_no_wrong_password(sw: int) -> None:
    with pytest.raises(PaceRefusedError) as caught:
        run(Chip(PaceInfo(GM_ECDH, 2, 12), twist=refusing(0, sw)))
    assert caught.value.step == 0


@pytest.mark.parametrize("sw", [0x6983, 0x63C0])
@pytest.mark.parametrize("step", [0, 1])
def test_a_blocked_password_is_access_denied(sw: int, step: int) -> None:
    with pytest.raises(AccessDeniedError, match="blocked"):
        run(Chip(PaceInfo(GM_ECDH, 2, 12), twist=refusing(step, sw)))


def test_a_counter_in_the_template_is_only_a_warning() -> None:
    chip = Chip(PaceInfo(GM_ECDH, 2, 12), twist=refusing(0, 0x63C1))
    assert run(chip).session.keys == chip.keys
    with pytest.raises(AccessDeniedError, match="tries left: 1"):
        run(Chip(PaceInfo(GM_ECDH, 2, 12), twist=refusing(0, 0x63C1)), CanPassword("111111"))


def test_a_suspended_password_is_access_denied() -> None:
    def twist(step: int, response: ResponseApdu) -> ResponseApdu:
        return ResponseApdu(b"", {0: 0x63C1, 1: 0x6985}.get(step, response.sw))

    with pytest.raises(AccessDeniedError, match="suspended"):
        run(Chip(PaceInfo(GM_ECDH, 2, 12), twist=twist))


@pytest.mark.parametrize("step, tag", [(2, 0x82), (3, 0x84)])
@pytest.mark.parametrize("parameter_id", [0, 12, 9])
def test_a_returned_public_key_is_refused(step: int, tag: int, parameter_id: int) -> None:
    chip = Chip(PaceInfo(f"{ID_PACE}.{2 if parameter_id else 1}.2", 2, parameter_id))

    def twist(current: int, response: ResponseApdu) -> ResponseApdu:
        if current != step:
            return response
        return dynamic(tlv.encode(tag, inside(chip.commands[-1], tag - 1)))

    chip.twist = twist
    with pytest.raises(ChipError, match="own public key"):
        run(chip)


@pytest.mark.parametrize("step", [2, 3])
@pytest.mark.parametrize("oid, parameter_id", [(GM_ECDH, 13), (f"{ID_PACE}.1.2", 0)])
def test_a_public_key_outside_the_group_is_refused(step: int, oid: str, parameter_id: int) -> None:
    chip = Chip(PaceInfo(oid, 2, parameter_id))
    keys = [b"", b"\x04" + bytes(64), b"\x01", b"\x00", os.urandom(65), b"\xff" * 128]
    for key in keys:
        chip = Chip(chip.info, twist=answering(step, tlv.encode(0x80 + step * 2 - 2, key)))
        with pytest.raises(ChipError):
            run(chip)


def test_a_wrong_token_is_refused() -> None:
    for bit in range(64):
        chip = Chip(PaceInfo(GM_ECDH, 2, 12), twist=flipping(4, 4 + bit // 8, 1 << bit % 8))
        with pytest.raises(ChipError, match="token"):
            run(chip)


def test_references_of_authorities_are_tolerated() -> None:
    def twist(step: int, response: ResponseApdu) -> ResponseApdu:
        if step != 4:
            return response
        references = tlv.encode(0x87, b"DETESTCVCA00003") + tlv.encode(0x88, b"DETESTCVCA00002")
        return dynamic(tlv.parse(response.data).value + references)

    chip = Chip(PaceInfo(GM_ECDH, 2, 12), twist=twist)
    assert run(chip).session.keys == chip.keys


@pytest.mark.parametrize("length", [0, 8, 15, 17, 80])
def test_a_nonce_of_wrong_length_is_refused(length: int) -> None:
    chip = Chip(PaceInfo(GM_ECDH, 2, 12), twist=answering(1, tlv.encode(0x80, bytes(length))))
    with pytest.raises(ChipError, match=f"nonce of {length} bytes"):
        run(chip)


def test_integrated_mapping_wants_the_nonce_of_the_standard() -> None:
    chip = Chip(PaceInfo(IM_ECDH, 2, 12), twist=answering(1, tlv.encode(0x80, bytes(32))))
    with pytest.raises(ChipError, match="nonce of 32 bytes"):
        run(chip)


def test_an_empty_answer_suffices_for_integrated_mapping() -> None:
    chip = Chip(PaceInfo(IM_ECDH, 2, 12), twist=answering(2, b""))
    assert run(chip).session.keys == chip.keys


@pytest.mark.parametrize(
    "data",
    [None, b"", bytes(15), bytes(16), bytes(32)],
    ids=["absent", "empty", "short", "unpadded", "unpadded twice"],
)
def test_damaged_chip_authentication_data_is_refused(data: bytes | None) -> None:
    def twist(step: int, response: ResponseApdu) -> ResponseApdu:
        if step != 4:
            return response
        token = tlv.parse(response.data).children()[0].raw
        return dynamic(token + (b"" if data is None else tlv.encode(0x8A, data)))

    # Zeros decrypt to anything: in one session of 256 they end in what looks like a padding.
    with pytest.raises(ChipError):
        for _ in range(4):
            run(Chip(PaceInfo(CAM, 2, 13), twist=twist))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4), st.binary(max_size=100), st.sampled_from([0x9000, 0x6300, 0x61FF]))
def test_rubbish_gives_our_errors(step: int, rubbish: bytes, sw: int) -> None:
    chip = Chip(
        PaceInfo(GM_ECDH, 2, 12),
        twist=lambda now, answer: ResponseApdu(rubbish, sw) if now == step else answer,
    )
    channel_free = pace(CAN, chip.info)  # 61xx would make a channel fetch more
    response: ResponseApdu | None = None
    try:
        command = next(channel_free)
        while True:
            response = ResponseApdu.from_bytes(chip.transmit(command.to_bytes()))
            command = channel_free.send(response)
    except StopIteration as stop:
        assert step == 0 and sw == 0x9000
        assert stop.value.session.keys == chip.keys
    except CardError:
        assert response is not None


@pytest.mark.parametrize(
    "info",
    [
        PaceInfo(GM_ECDH, 1, 13),
        PaceInfo(GM_ECDH, 2, 0),
        PaceInfo(GM_ECDH, 2, 5),
        PaceInfo(GM_ECDH, 2, 32),
        PaceInfo(GM_ECDH, 2, None),
        PaceInfo(IM_ECDH, 2, 10),
        PaceInfo(f"{ID_PACE}.1.2", 2, 13),
    ],
    ids=["version 1", "DH group", "reserved", "own", "none", "P-224 IM", "curve for DH"],
)
def test_unusable_parameters_are_refused_before_any_command(info: PaceInfo) -> None:
    chip = Chip(info)
    with pytest.raises(UnsupportedAlgorithmError):
        run(chip)
    assert chip.commands == []


def own_parameters(group: AnyGroup, oid: str, parameter_id: int | None) -> PaceDomainParameterInfo:
    spki = public_key_info(group, group.public(3), explicit=True)
    return PaceDomainParameterInfo(oid, tlv.parse(spki).children()[0].raw, parameter_id)


@pytest.mark.parametrize("parameter_id", [None, 32])
def test_own_parameters_are_used_where_they_equal_known_ones(parameter_id: int | None) -> None:
    info = PaceInfo(GM_ECDH, 2, parameter_id)
    offered = own_parameters(numbered(13), f"{ID_PACE}.2", parameter_id)
    group = pace_group(info, [own_parameters(numbered(12), f"{ID_PACE}.4", parameter_id), offered])
    assert group == numbered(13)

    chip = Chip(PaceInfo(GM_ECDH, 2, 13))
    result = Channel(chip).run(pace(CAN, info, group=group))
    assert result.session.keys == chip.keys


def test_own_parameters_unlike_any_known_ones_are_refused() -> None:
    known = numbered(0)
    assert isinstance(known, DhGroup)
    other = DhGroup("own", known.p, pow(known.generator, 3, known.p), known.q)
    info = PaceInfo(f"{ID_PACE}.1.2", 2, 40)
    group = pace_group(info, [own_parameters(other, f"{ID_PACE}.1", 40)])
    chip = Chip(info)
    with pytest.raises(UnsupportedAlgorithmError, match="of its own"):
        run(chip, group=group)
    with pytest.raises(UnsupportedAlgorithmError, match="of its own"):
        run(chip, group=known.mapped(known.public(5)))
    assert chip.commands == []


def test_a_session_continues_where_pace_ended() -> None:
    chip = Chip(PaceInfo(GM_ECDH, 2, 13))
    session = run(chip).session
    twin = SecureMessaging.of(chip.keys)
    select = CommandApdu(0, 0xA4, 4, 0x0C, bytes.fromhex("A0000002471001"))
    assert session.wrap(select) == twin.wrap(select)


@pytest.mark.parametrize("can", ["", "12345", "12345a", "1" * 17, "１２３４５６"])
def test_what_is_no_access_number(can: str) -> None:
    with pytest.raises(UnreadableInputError):
        CanPassword(can)


def refusing(step: int, sw: int) -> Twist:
    return lambda now, response: ResponseApdu(b"", sw) if now == step else response


def answering(step: int, objects: bytes) -> Twist:
    return lambda now, response: dynamic(objects) if now == step else response


def flipping(step: int, place: int, bits: int) -> Twist:
    def twist(now: int, response: ResponseApdu) -> ResponseApdu:
        if now != step:
            return response
        data = bytearray(response.data)
        data[place] ^= bits
        return ResponseApdu(bytes(data), response.sw)

    return twist
