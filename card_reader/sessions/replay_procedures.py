"""What the reader does in each kind of recorded session: its own protocol code, every time."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from card_reader import tlv
from card_reader.access.bac import KEY_LENGTH, bac
from card_reader.access.pace import KDF_PASSWORD, pace, pace_group
from card_reader.access.passwords import CanPassword, MrzBasedPassword, MrzPassword, Password
from card_reader.apdu import MAX_EXTENDED_LE, MAX_SHORT_LE, CommandApdu
from card_reader.chip import proof
from card_reader.chip.active_authentication import (
    ActiveAuthenticationFailedError,
    internal_authenticate,
    verify_active_authentication,
)
from card_reader.chip.chip_authentication import chip_authentication, choose
from card_reader.domain_parameters import AnyGroup, DhGroup, standardised
from card_reader.errors import CardError, CardReason, SecureMessagingError, UnreadableInputError
from card_reader.evidence import ChipEvidence
from card_reader.lds import (
    APPLICATION_ID,
    card_security,
    dg14,
    dg15,
)
from card_reader.lds.security_infos import (
    DH_PARAMETER_IDS,
    PACE_VERSION,
    ChipAuthenticationChoice,
    ChipAuthenticationInfo,
    PaceInfo,
    SecurityInfo,
    chip_authentication_choices,
    chip_keys,
    pace_domain_parameters,
    pace_infos,
    parse_infos,
)
from card_reader.lds.security_infos import Mapping as PaceMapping
from card_reader.reading.file_reading import BY_NAME, SELECT, FileReader
from card_reader.reading.opening import best_pace, is_ambiguous
from card_reader.report import ChipProof
from card_reader.secure_messaging import Cipher, SecureMessaging, derive_key, derive_session_keys
from card_reader.sessions.recorded_card import RecordedCard
from card_reader.sessions.recorded_reading import Reading, lost_for_good, outcome
from card_reader.sessions.replay_files import Run, follow, read_file
from card_reader.sessions.session_file import Fields, Procedure

INTERNAL_AUTHENTICATE = 0x88
SHORT_ID_READ = 0x80  # bit of P1 in READ BINARY
MAX_FOLLOWING = 64


def start(run: Run) -> None:
    """Put the recorded session in force; select the application where the recording does."""
    keys = run.session.start
    run.channel.protect(None if keys is None else SecureMessaging.of(keys))
    if run.session.procedure is Procedure.READ_CARD:
        return
    command = run.card.next_plain
    if command is not None and (command.ins, command.p1) == (SELECT, BY_NAME):
        FileReader(run.channel).select_application(APPLICATION_ID)


# --- access ---------------------------------------------------------------------------------------


def _bac(run: Run) -> None:
    password = _password(run)
    if isinstance(password, CanPassword):
        raise UnreadableInputError("BAC needs a password of the machine readable zone")
    run.results |= _bac_values(password)
    run.channel.protect(run.channel.run(bac(password, run.rng)))
    follow(run)


def _bac_values(password: MrzBasedPassword) -> dict[str, object]:
    seed = password.key_seed[:KEY_LENGTH]
    keys = derive_session_keys(Cipher.DES3, seed)
    values: dict[str, object] = {"k_seed": seed, "k_enc": keys.ks_enc, "k_mac": keys.ks_mac}
    if isinstance(password, MrzPassword):
        values["mrz_information"] = password.information
    return values


def _pace(run: Run) -> None:
    password, infos = _password(run), _infos(run, "EF.CardAccess")
    info = _pace_info(run, infos)
    group = _named_group(run) or pace_group(info, pace_domain_parameters(infos))
    cipher = Cipher(info.cipher)
    if info.mapping is PaceMapping.CHIP_AUTHENTICATION:
        run.results |= {"chip_authentication_data": None, "chip_genuine": False}
    run.results["k_pi"] = derive_key(cipher, password.pace_secret, KDF_PASSWORD)
    name_parameters = run.parameters.get("mse_has_parameter_id", bool)
    if name_parameters is None:
        name_parameters = is_ambiguous(infos)
    result = run.channel.run(
        pace(
            password,
            info,
            run.rng,
            name_parameters=name_parameters,
            group=group,
            reference=_password_reference(run),
        )
    )
    run.channel.protect(result.session)
    if result.chip_mapping is not None:
        run.results["chip_authentication_data"] = result.chip_mapping.data
        judged, _ = proof.chip_mapping(result.chip_mapping, _infos(run, "EF.CardSecurity"))
        run.results["chip_genuine"] = judged is ChipProof.STATION_OBSERVED
        if judged is ChipProof.ABSENT:
            del run.results["chip_genuine"]  # no key to compare with
    follow(run)


def _pace_info(run: Run, infos: tuple[SecurityInfo, ...]) -> PaceInfo:
    """The PACEInfo that the parameters name; else the reader's own choice."""
    oid = run.parameters.get("protocol_oid", str)
    number = run.parameters.get("parameter_id", int)
    if oid is None and number is None and infos:
        return best_pace(infos)[0]
    for info in pace_infos(infos):
        if oid in (None, info.oid) and number in (None, info.parameter_id):
            return info
    if oid is None or number is None:
        raise UnreadableInputError("neither EF.CardAccess nor the parameters name a PACE protocol")
    return PaceInfo(oid, PACE_VERSION, number)


def _password_reference(run: Run) -> int | None:
    """Which password the parameters name in MSE:Set AT; None is that of the session's."""
    reference: int | None = run.parameters.get("password_reference", int)
    if reference is not None and not 0 < reference < 256:
        raise UnreadableInputError("password_reference of parameters is no number of one byte")
    return reference


def _named_group(run: Run) -> AnyGroup | None:
    """The standardised group whose prime the parameters spell out (``dh``)."""
    numbers = run.parameters.get("dh", dict)
    if numbers is None:
        return None
    fields = Fields(numbers, "dh of parameters")
    prime, generator = (int.from_bytes(fields.octets(name) or b"", "big") for name in ("p", "g"))
    for number in DH_PARAMETER_IDS:
        group = standardised(number)
        if isinstance(group, DhGroup) and (group.p, group.generator) == (prime, generator):
            return group
    raise UnreadableInputError("dh of parameters is none of the standardised groups")


# --- the chip's proofs ----------------------------------------------------------------------------


def _chip_authentication(run: Run) -> None:
    choice = _chip_choice(run)
    run.results |= {"terminal_public_key": None, "chip_genuine": False}
    result = run.channel.run(chip_authentication(choice, run.rng, set_kat=_set_kat(run, choice)))
    run.channel.protect(result.session)
    run.results["terminal_public_key"] = result.terminal_public_key
    if run.card.next is not None:  # only an authentic response under the new keys is a proof
        try:
            follow(run)
        except SecureMessagingError:
            raise
        except CardError:  # a refusal, but an authentic one
            run.results["chip_genuine"] = True
            raise
        run.results["chip_genuine"] = True
    else:
        del run.results["chip_genuine"]


def _set_kat(run: Run, choice: ChipAuthenticationChoice) -> bool | None:
    """Which command the parameters start with; None leaves it to the reader."""
    named = run.parameters.get("mse", str)
    if named is None:
        return None
    set_kat = "SET KAT" in named.upper()
    if not set_kat and "SET AT" not in named.upper():
        raise UnreadableInputError("mse of parameters is neither MSE:Set AT nor MSE:Set KAT")
    if set_kat and choice[0].cipher != Cipher.DES3:
        raise UnreadableInputError("mse of parameters: MSE:Set KAT is for 3DES alone")
    return set_kat


def _chip_choice(run: Run) -> ChipAuthenticationChoice:
    """Protocol and key that the parameters name; else the reader's own choice."""
    infos = _infos(run, "EF.DG14") or _infos(run, "EF.CardSecurity")
    oid = run.parameters.get("protocol_oid", str)
    key_id = _key_id(run.parameters)
    offered = chip_authentication_choices(infos)
    chosen = next((pair for pair in offered if _fits(pair, oid, key_id)), None)
    if chosen is None and oid is None:
        chosen = choose(infos)
    if chosen is None:
        chosen = _choice_of_parameters(infos, oid, key_id)
    if "key_id" in run.parameters:
        return replace(chosen[0], key_id=key_id), chosen[1]
    return chosen


def _key_id(parameters: Fields) -> int | None:
    """A number, or its bytes in hex."""
    if isinstance(parameters.get("key_id"), str):
        return int.from_bytes(parameters.octets("key_id") or b"", "big")
    number: int | None = parameters.get("key_id", int)
    return number


def _fits(pair: ChipAuthenticationChoice, oid: str | None, key_id: int | None) -> bool:
    info, key = pair
    return oid in (None, info.oid) and key_id in (None, info.key_id, key.key_id)


def _choice_of_parameters(
    infos: tuple[SecurityInfo, ...], oid: str | None, key_id: int | None
) -> ChipAuthenticationChoice:
    """A protocol that the chip's files do not announce, over the key that they hold."""
    keys = [key for key in chip_keys(infos) if key_id in (None, key.key_id)]
    if oid is None or not keys:
        raise UnreadableInputError("the session's files hold no key for chip authentication")
    return ChipAuthenticationInfo(oid, key_id=key_id), keys[0]


def _active_authentication(run: Run) -> None:
    if "EF.DG15" not in run.session.files:
        raise UnreadableInputError("active authentication needs EF.DG15 among the files")
    public_key = dg15.parse(run.session.files["EF.DG15"])
    challenge = run.parameters.octets("challenge") or run.rng(8)
    run.results |= {"signature": None, "chip_genuine": False}
    command = _with_recorded_le(run, internal_authenticate(public_key, challenge))
    response = run.channel.send(command)
    if not response.ok or not response.data:
        raise CardError(
            f"active authentication was answered with {response.sw:04X}",
            CardReason.CHIP_ANSWERED_WRONGLY,
        )
    run.results["signature"] = response.data
    try:
        verify_active_authentication(public_key, challenge, response.data, _infos(run, "EF.DG14"))
    except ActiveAuthenticationFailedError:
        return
    run.results["chip_genuine"] = True
    follow(run)


def _with_recorded_le(run: Run, command: CommandApdu) -> CommandApdu:
    """The expected length of the parameters, else the recorded terminal's: "all", or just enough.

    Where the recording does not show it: all.
    """
    le = run.parameters.get("le", int)
    if le is not None:
        return replace(command, le=le)
    recorded, exchange = run.card.next_plain, run.card.next
    if recorded is None or exchange is None or recorded.ins != INTERNAL_AUTHENTICATE:
        return replace(command, le=MAX_SHORT_LE)
    answered = len(exchange.plain_response or exchange.response or b"") - 2
    usual = recorded.le in (None, MAX_SHORT_LE, MAX_EXTENDED_LE, answered)
    return replace(command, le=recorded.le) if usual else command


# --- what is known beforehand ---------------------------------------------------------------------


def _password(run: Run) -> Password:
    if not run.session.passwords:
        raise UnreadableInputError(f"the procedure {run.session.procedure} needs a password")
    return run.session.passwords[0]


def _infos(run: Run, name: str) -> tuple[SecurityInfo, ...]:
    """The SecurityInfos of a file, or of single structures out of it (``EF.DG14:...``)."""
    found: list[SecurityInfo] = []
    for key, content in run.session.files.items():
        file, _, part = key.partition(":")
        if file == name:
            found += _PARSERS[name](content) if not part else _structure(content)
    return tuple(found)


def _structure(content: bytes) -> tuple[SecurityInfo, ...]:
    outer = tlv.parse(content)
    return parse_infos(content if outer.tag == 0x31 else tlv.encode(0x31, content))


_PARSERS: Mapping[str, Callable[[bytes], tuple[SecurityInfo, ...]]] = {
    "EF.CardAccess": parse_infos,
    "EF.DG14": dg14.parse,
    "EF.CardSecurity": lambda content: card_security.parse(content).security_infos,
}

# --- a whole reading ------------------------------------------------------------------------------


def _read_card(run: Run) -> None:
    def reconnect() -> RecordedCard:
        if run.card.next is None:
            raise lost_for_good(run.session)
        return run.card

    ended: ChipEvidence | CardError
    try:
        ended = Reading.of(run.session).run(
            run.card, run.rng, clock=lambda: run.card.elapsed, reconnect=reconnect
        )
    except CardError as error:
        ended = error
    run.results |= outcome(ended)
    if isinstance(ended, CardError):
        raise ended


PROCEDURES: Mapping[Procedure, Callable[[Run], None]] = {
    Procedure.BAC: _bac,
    Procedure.PACE: _pace,
    Procedure.CHIP_AUTHENTICATION: _chip_authentication,
    Procedure.ACTIVE_AUTHENTICATION: _active_authentication,
    Procedure.READ_FILE: read_file,
    Procedure.READ_CARD: _read_card,
}
