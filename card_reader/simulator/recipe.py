"""Every choice in making a card, as one value: algorithms, access, chip keys, contents.

A recipe is plain data and comes from JSON too (`card-reader issue --recipe`); docs/simulator.md
describes its fields.  Absent fields have their defaults, unknown ones are refused.
"""

import json
import re
import types
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from card_reader.errors import UnreadableInputError
from card_reader.lds.dg2 import FaceFormat
from card_reader.simulator.profile import SignatureFormat
from card_reader.simulator.security_object import ContentType
from card_reader.simulator.signed_data import Envelope
from card_reader.simulator.signing_keys import KeyKind
from card_reader.trust.signatures import HASHES, Scheme, SignatureAlgorithm

MAX_RECIPE_BYTES = 64 * 1024
MAX_ENTRIES = 16
MAX_PORTRAITS = 8
MAX_PADDING = 64 * 1024
_CAN = re.compile("[0-9]{1,16}", re.ASCII)


class Shape(StrEnum):
    """Which document the card is."""

    VIETNAM = "vietnam"  # the citizen card: TD1, EF.DG13
    TD1 = "td1"
    TD2 = "td2"
    TD3 = "td3"  # the passport book


class ImageKind(StrEnum):
    """What the portrait's image is turned into."""

    JPEG = "jpeg"
    JP2 = "jp2"
    CODESTREAM = "codestream"  # JPEG 2000 without the JP2 boxes


class ParameterEncoding(StrEnum):
    """How a chip's public key names its group."""

    NAMED = "named"
    EXPLICIT = "explicit"
    STANDARDISED = "standardised"  # by its number in ICAO 9303-11 §9.5.1


@dataclass(frozen=True, slots=True)
class SignerRecipe:
    """Key and signature of an authority or of a document signer.

    Without `signature`, RSA v1.5 or ECDSA with SHA-256. `explicit_parameters` spells the curve out
    in the certificate.
    """

    key: KeyKind = KeyKind.BRAINPOOL_P384R1
    signature: SignatureAlgorithm | None = None
    explicit_parameters: bool = False


@dataclass(frozen=True, slots=True)
class SecurityObjectRecipe:
    """EF.SOD. `hash` is the one over the data groups."""

    hash: str = "sha256"
    lds_version: int = 0
    content_type: ContentType = ContentType.LDS_SECURITY_OBJECT
    envelope: Envelope = field(default_factory=Envelope)


@dataclass(frozen=True, slots=True)
class PaceRecipe:
    """One offer: a protocol of :data:`card_reader.simulator.chip_keys.PACE_PROTOCOLS`."""

    protocol: str = "PACE-ECDH-GM-AES-CBC-CMAC-128"
    parameter_id: int = 13


@dataclass(frozen=True, slots=True)
class AccessRecipe:
    """How the chip opens. A `plain` card has no access control; `can` is for PACE alone."""

    bac: bool = True
    pace: tuple[PaceRecipe, ...] = ()
    can: str | None = None
    plain: bool = False


@dataclass(frozen=True, slots=True)
class ChipAuthenticationRecipe:
    """One static key and the protocols of chip authentication that use it.

    Without `announced` no ChipAuthenticationInfo is written: the reader has to infer 3DES.
    """

    protocols: tuple[str, ...] = ("CA-ECDH-AES-CBC-CMAC-128",)
    parameter_id: int = 13
    key_id: int | None = None
    encoding: ParameterEncoding = ParameterEncoding.NAMED
    announced: bool = True


@dataclass(frozen=True, slots=True)
class ActiveAuthenticationRecipe:
    """The key of active authentication; `hash` as in "sha256", `format` for EC keys alone."""

    key: KeyKind = KeyKind.RSA_1536
    hash: str = "sha256"
    format: SignatureFormat = SignatureFormat.PLAIN


@dataclass(frozen=True, slots=True)
class PortraitRecipe:
    """EF.DG2: `copies` of the portrait, each followed by `padding` bytes 00.

    Without `image` the picture stays as it was given.
    """

    format: FaceFormat = FaceFormat.ISO_19794_5
    image: ImageKind | None = None
    copies: int = 1
    padding: int = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything about a card but its holder.

    `authority` is used where an issuer is made; `signer` where the card's document signer is not
    to be the issuer's own. `data_groups` names optional groups (7, 11, 12). `chip_mapping` is the
    parameter id of the PACE-CAM key in EF.CardSecurity, None without one. Raises ValueError for
    choices that cannot be.
    """

    shape: Shape = Shape.VIETNAM
    authority: SignerRecipe | None = None
    signer: SignerRecipe | None = None
    security_object: SecurityObjectRecipe = field(default_factory=SecurityObjectRecipe)
    access: AccessRecipe = field(default_factory=AccessRecipe)
    chip_authentication: tuple[ChipAuthenticationRecipe, ...] = ()
    chip_mapping: int | None = None
    active_authentication: ActiveAuthenticationRecipe | None = field(
        default_factory=ActiveAuthenticationRecipe
    )
    data_groups: tuple[int, ...] = ()
    portrait: PortraitRecipe = field(default_factory=PortraitRecipe)
    atr_info: bool = False
    directory: bool = False

    def __post_init__(self) -> None:
        _check(self)

    @classmethod
    def load(cls, path: Path) -> "Recipe":
        """From a JSON file; raises UnreadableInputError that names the wrong entry."""
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_RECIPE_BYTES + 1)
        except OSError as error:
            raise UnreadableInputError(f"cannot read {path}: {error.strerror}") from None
        if len(raw) > MAX_RECIPE_BYTES:
            raise UnreadableInputError(f"{path} is too large for a recipe")
        try:
            return cls.from_document(json.loads(raw))
        except (ValueError, RecursionError) as error:
            raise UnreadableInputError(f"{path} is no recipe ({error})") from None

    @classmethod
    def from_document(cls, document: object) -> "Recipe":
        """From parsed JSON; raises ValueError."""
        recipe: Recipe = _decode(cls, document, "recipe")
        return recipe

    def to_document(self) -> dict[str, Any]:
        """The inverse of :meth:`from_document`."""
        return asdict(self)


def _check(recipe: Recipe) -> None:
    """What the types cannot say; raises ValueError."""
    hash_names = [recipe.security_object.hash]
    if recipe.active_authentication is not None:
        hash_names.append(recipe.active_authentication.hash)
    for signer in (recipe.authority, recipe.signer):
        if signer is not None and signer.signature is not None:
            hash_names.append(signer.signature.hash_name)
            _check_signature(signer)
    for name in hash_names:
        _require(name in HASHES, f"hash {name!r} is none of {', '.join(HASHES)}")
    _require(recipe.security_object.lds_version in (0, 1), "lds_version is 0 or 1")
    _require(1 <= recipe.portrait.copies <= MAX_PORTRAITS, f"copies are 1 to {MAX_PORTRAITS}")
    _require(0 <= recipe.portrait.padding <= MAX_PADDING, f"padding is 0 to {MAX_PADDING}")
    can = recipe.access.can
    _require(can is None or bool(_CAN.fullmatch(can)), "can is 1 to 16 digits")
    _require(set(recipe.data_groups) <= {7, 11, 12}, "data_groups are any of 7, 11, 12")
    citizen = recipe.shape is Shape.VIETNAM
    _require(not (citizen and recipe.data_groups), "the Vietnamese card has no data_groups")


def _check_signature(signer: SignerRecipe) -> None:
    algorithm = signer.signature
    if algorithm is None:
        return
    rsa_schemes = algorithm.scheme in (Scheme.RSA, Scheme.PSS)
    fits = rsa_schemes is (signer.key.curve is None)
    _require(fits, f"a key {signer.key} does not sign with {algorithm.scheme}")
    if algorithm.scheme is Scheme.PSS:
        _require(algorithm.mask_hash_name in HASHES, "mask_hash_name is a hash")
        _require(0 <= algorithm.salt_length <= 256, "salt_length is 0 to 256")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


VIETNAMESE_CARD = Recipe()
ONE_PORTRAIT = VIETNAMESE_CARD.portrait


# --- JSON into frozen dataclasses, strictly ---


def _decode(kind: Any, value: object, where: str) -> Any:
    """A value of the annotated type; anything else raises ValueError naming the entry."""
    if get_origin(kind) in (Union, types.UnionType):
        return _decode_optional(kind, value, where)
    if get_origin(kind) is tuple:
        if not isinstance(value, list) or len(value) > MAX_ENTRIES:
            raise ValueError(f"{where} is a list of at most {MAX_ENTRIES}")
        inner = get_args(kind)[0]
        return tuple(_decode(inner, item, f"{where}[{n}]") for n, item in enumerate(value))
    if is_dataclass(kind):
        return _decode_dataclass(kind, value, where)
    if issubclass(kind, StrEnum):
        if value not in list(kind):
            raise ValueError(f"{where} is one of {', '.join(kind)}")
        return kind(value)
    if type(value) is not kind:
        raise ValueError(f"{where} is no {kind.__name__}")
    return value


def _decode_optional(kind: Any, value: object, where: str) -> Any:
    (inner,) = (item for item in get_args(kind) if item is not type(None))
    return None if value is None else _decode(inner, value, where)


def _decode_dataclass(kind: Any, value: object, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is an object")
    known = {item.name for item in fields(kind)}
    unknown = [str(name) for name in value if name not in known]
    if unknown:
        raise ValueError(f"{where} has no entry {unknown[0]!r}; it has {', '.join(sorted(known))}")
    hints = get_type_hints(kind)
    decoded = {n: _decode(hints[n], item, f"{where}.{n}") for n, item in value.items()}
    try:
        return kind(**decoded)
    except TypeError as error:
        raise ValueError(f"{where} is incomplete: {error}") from None
