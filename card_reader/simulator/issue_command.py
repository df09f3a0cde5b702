"""`card-reader issue`: a simulated card from holder, preset or recipe, quirks and defects."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes

from card_reader.errors import UnreadableInputError
from card_reader.simulator import defects
from card_reader.simulator import quirks as quirk_switches
from card_reader.simulator.catalogue import CATALOGUE, profile_with, recipe_with
from card_reader.simulator.chip_keys import CHIP_AUTHENTICATION_PROTOCOLS, PACE_PROTOCOLS
from card_reader.simulator.issuer import CSCA_FILE, Issuer, KeyKind
from card_reader.simulator.passport import Traveller
from card_reader.simulator.personalisation import CannotIssueError, Holder
from card_reader.simulator.presets import PRESETS
from card_reader.simulator.profile import CardProfile, Defect
from card_reader.simulator.quirks import Quirks
from card_reader.simulator.recipe import Recipe, Shape

MAX_PICTURE_BYTES = 1024 * 1024
DEFAULT_PRESET = "vietnam"
_TEXTS = (
    "place_of_origin",
    "residence",
    "nationality",
    "ethnicity",
    "religion",
    "identifying_features",
    "father",
    "mother",
    "spouse",
    "old_number",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--issuer", type=Path, required=True, metavar="DIR", help="made if absent")
    parser.add_argument("--out", type=Path, required=True, metavar="CARD.json")
    _add_holder(parser)
    _add_recipe(parser)
    _add_defects(parser)


def _add_holder(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("holder")
    group.add_argument("--number", help="12 digits, of a Vietnamese citizen")
    group.add_argument(
        "--name", required=True, help="in Vietnamese, family name first; else SURNAME, GIVEN NAMES"
    )
    group.add_argument("--dob", type=day, required=True, metavar="YYYY-MM-DD")
    group.add_argument("--sex", choices=("M", "F", "X"), required=True)
    group.add_argument("--issued", type=day, metavar="YYYY-MM-DD", help="day of issue")
    group.add_argument("--portrait", type=Path, required=True, metavar="IMAGE")
    for name in _TEXTS:
        group.add_argument(f"--{name.replace('_', '-')}", dest=name)
    foreign = parser.add_argument_group("holder of another state's document")
    foreign.add_argument("--document-number", metavar="TEXT", help="as the MRZ prints it")
    foreign.add_argument("--state", default="UTO", metavar="CODE", help="three letters, or D")
    foreign.add_argument("--country", metavar="CODE", help="two letters, of a new issuer")
    foreign.add_argument("--expiry", type=day, metavar="YYYY-MM-DD")


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("recipe")
    group.add_argument("--preset", choices=list(PRESETS), metavar="NAME", help="see --list")
    group.add_argument("--recipe", type=Path, metavar="FILE.json", help="see docs/simulator.md")
    group.add_argument("--shape", type=Shape, choices=list(Shape))
    group.add_argument("--can", metavar="DIGITS")
    group.add_argument("--key-bits", type=int, choices=(1024, 1536, 2048))
    group.add_argument("--issuer-key", type=KeyKind, choices=list(KeyKind), metavar="KIND")
    group.add_argument("--quirk", action="append", default=[], metavar="NAME|SWITCH=VALUE")


def _add_defects(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("defects")
    group.add_argument(
        "--defect", type=Defect, choices=list(Defect), action="append", default=[], metavar="NAME"
    )
    group.add_argument("--data-group", type=int, metavar="N", help="the one a defect acts upon")
    group.add_argument("--other-portrait", type=Path, metavar="IMAGE")
    group.add_argument("--foreign-issuer", type=Path, metavar="DIR")
    group.add_argument("--withdrawn-issuer", type=Path, metavar="DIR", help="made if absent")


def listing() -> dict[str, Any]:
    """Every name that `card-reader issue` takes."""
    return {
        "presets": {name: preset.description for name, preset in PRESETS.items()},
        "recipes": {name: preset.recipe.to_document() for name, preset in PRESETS.items()},
        "defects": list(Defect),
        "quirks": {name: known.summary for name, known in CATALOGUE.items()},
        "quirk_switches": {item.name: item.default for item in fields(Quirks)},
        "keys": list(KeyKind),
        "pace_protocols": list(PACE_PROTOCOLS),
        "chip_authentication_protocols": list(CHIP_AUTHENTICATION_PROTOCOLS),
    }


def issue(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make the card, save it, and tell what it is."""
    names = [text for text in arguments.quirk if "=" not in text]
    switches = [text for text in arguments.quirk if "=" in text]
    recipe = recipe_with(_recipe(arguments), *names)
    holder = _holder(arguments)
    issuer = _issuer(arguments.issuer, arguments, recipe)
    portrait = _picture(arguments.portrait)
    profile = issuer.issue(holder, portrait, recipe=recipe, key_bits=arguments.key_bits)
    profile = profile_with(profile, *names)
    profile = replace(profile, quirks=_switched(profile.quirks, switches))
    for defect in arguments.defect:
        profile = _with_defect(profile, defect, issuer, arguments, recipe)
    try:
        profile.save(arguments.out)
    except OSError as error:
        raise UnreadableInputError(f"cannot write {arguments.out}: {error.strerror}") from None
    return _result(arguments, profile, issuer, holder)


def _result(
    arguments: argparse.Namespace, profile: CardProfile, issuer: Issuer, holder: Holder | Traveller
) -> dict[str, Any]:
    expiry = holder.date_of_expiry
    number = holder.number if isinstance(holder, Holder) else holder.personal_number
    return {
        "card": str(arguments.out),
        "issuer": str(arguments.issuer),
        "anchor": issuer.csca.certificate.fingerprint(hashes.SHA256()).hex(),
        "realm": profile.realm,
        "number": number,
        "document_number": profile.access.document_number,
        "date_of_birth": holder.date_of_birth.isoformat(),
        "date_of_expiry": expiry.isoformat() if expiry else None,
        "can": profile.access.can,
        "files": _sizes(profile.files),
        "master_files": _sizes(profile.master_files),
        "defects": list(profile.defects),
    }


def _sizes(files: Mapping[int, bytes]) -> dict[str, int]:
    return {f"{identifier:04X}": len(data) for identifier, data in files.items()}


def _recipe(arguments: argparse.Namespace) -> Recipe:
    if arguments.recipe is not None and arguments.preset is not None:
        raise CannotIssueError("a card is made by --preset or by --recipe, not by both")
    if arguments.recipe is not None:
        recipe = Recipe.load(arguments.recipe)
    else:
        recipe = PRESETS[arguments.preset or DEFAULT_PRESET].recipe
    access = recipe.access if arguments.can is None else replace(recipe.access, can=arguments.can)
    try:
        return replace(recipe, access=access, shape=arguments.shape or recipe.shape)
    except ValueError as error:
        raise CannotIssueError(str(error)) from None


def _holder(arguments: argparse.Namespace) -> Holder | Traveller:
    if arguments.document_number is not None:
        return _traveller(arguments)
    if arguments.number is None:
        raise CannotIssueError("a holder has --number, or --document-number with --expiry")
    texts = {name: value for name in _TEXTS if (value := getattr(arguments, name)) is not None}
    if arguments.issued is not None:
        texts["date_of_issue"] = arguments.issued
    return Holder(arguments.number, arguments.name, arguments.dob, arguments.sex, **texts)


def _traveller(arguments: argparse.Namespace) -> Traveller:
    if arguments.expiry is None:
        raise CannotIssueError("another state's document needs --expiry")
    surname, _, given = arguments.name.partition(",")
    traveller = Traveller(
        arguments.document_number,
        surname.strip(),
        given.strip(),
        arguments.dob,
        arguments.sex,
        arguments.expiry,
        issuing_state=arguments.state,
        nationality=arguments.state,
        personal_number=arguments.number or "",
    )
    return replace(traveller, date_of_issue=arguments.issued) if arguments.issued else traveller


def _issuer(
    folder: Path, arguments: argparse.Namespace, recipe: Recipe, country: str | None = None
) -> Issuer:
    if (folder / CSCA_FILE).exists():
        return Issuer.load(folder)
    try:
        return Issuer.create(
            folder,
            country=country or arguments.country or "VN",
            kind=arguments.issuer_key or KeyKind.BRAINPOOL_P384R1,
            authority=recipe.authority,
            signer=recipe.signer,
        )
    except OSError as error:
        raise UnreadableInputError(f"cannot make an issuer in {folder}: {error.strerror}") from None


def _with_defect(
    profile: CardProfile,
    defect: Defect,
    issuer: Issuer,
    arguments: argparse.Namespace,
    recipe: Recipe,
) -> CardProfile:
    portrait: bytes | None = None
    foreign: Issuer | None = None
    withdrawn: Issuer | None = None
    if defect is Defect.PORTRAIT_EXCHANGED:
        if arguments.other_portrait is None:
            raise CannotIssueError(f"defect {defect} needs --other-portrait")
        portrait = _picture(arguments.other_portrait)
    if defect is Defect.FOREIGN_ISSUER:
        folder = arguments.foreign_issuer or arguments.issuer / "foreign"
        foreign = _issuer(folder, arguments, recipe, country="XX")
    if defect is Defect.AUTHORITY_REVOKED:
        folder = arguments.withdrawn_issuer or arguments.issuer / "withdrawn"
        withdrawn = _issuer(folder, arguments, recipe, country=issuer.country)
        _revoke(withdrawn, issuer, arguments.issuer)
    return defects.apply(
        profile,
        defect,
        issuer=issuer,
        portrait=portrait,
        foreign=foreign,
        withdrawn=withdrawn,
        data_group=arguments.data_group,
    )


def _revoke(withdrawn: Issuer, issuer: Issuer, folder: Path) -> None:
    """The issuer's list names the withdrawn authority from now on."""
    serial = withdrawn.csca.certificate.serial_number
    if issuer.crl.get_revoked_certificate_by_serial_number(serial) is None:
        issuer.revoking([serial]).save(folder)


def _picture(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PICTURE_BYTES + 1)
    except OSError as error:
        raise UnreadableInputError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > MAX_PICTURE_BYTES:
        raise UnreadableInputError(f"{path} is larger than 1 MiB")
    return data


def _switched(quirks: Quirks, assignments: Sequence[str]) -> Quirks:
    """With SWITCH=VALUE each; a value is true, false, a number or a word."""
    known = [item.name for item in fields(Quirks)]
    values = quirk_switches.to_document(quirks)
    for assignment in assignments:
        name, _, text = assignment.partition("=")
        if name not in known:
            raise CannotIssueError(f"quirk switch {name!r} is none of: {', '.join(known)}")
        values[name] = _value(text)
    try:
        return quirk_switches.from_document(values)
    except (ValueError, TypeError) as error:
        raise CannotIssueError(str(error)) from None


def _value(text: str) -> bool | int | str:
    flag = {"true": True, "false": False}.get(text)
    if flag is not None:
        return flag
    return int(text) if text.isascii() and text.isdigit() else text


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write YYYY-MM-DD") from None
