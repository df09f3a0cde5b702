"""What a quirk changes on a card: how it is made, or what lies on it after it was signed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from card_reader import tlv
from card_reader.simulator.profile import EF_COM, CardProfile
from card_reader.simulator.recipe import (
    AccessRecipe,
    ActiveAuthenticationRecipe,
    ChipAuthenticationRecipe,
    ImageKind,
    PaceRecipe,
    Recipe,
)
from card_reader.simulator.security_object import ContentType
from card_reader.simulator.signing_keys import KeyKind

EF_PADDING = 64  # files that lie in blocks of this many bytes
_TAG_LIST, _COM = 0x5C, 0x60


# --- recipes ---


def with_pace(recipe: Recipe) -> Recipe:
    return _with_access(recipe, pace=(PaceRecipe(),))


def with_integrated_mapping(recipe: Recipe) -> Recipe:
    return _with_access(recipe, pace=(PaceRecipe("PACE-ECDH-IM-AES-CBC-CMAC-128"),))


def with_two_curves(recipe: Recipe) -> Recipe:
    return _with_access(recipe, pace=(PaceRecipe(), PaceRecipe(parameter_id=12)))


def _with_access(recipe: Recipe, **changes: Any) -> Recipe:
    return replace(recipe, access=replace(recipe.access, **changes))


def without_access_control(recipe: Recipe) -> Recipe:
    return replace(recipe, access=AccessRecipe(bac=False, plain=True))


def with_pace_alone(recipe: Recipe) -> Recipe:
    return _with_access(recipe, bac=False, pace=(PaceRecipe(),))


def with_unannounced_key(recipe: Recipe) -> Recipe:
    key = ChipAuthenticationRecipe(("CA-ECDH-3DES-CBC-CBC",), announced=False)
    return replace(recipe, chip_authentication=(key,))


def with_triple_des_key(recipe: Recipe) -> Recipe:
    key = ChipAuthenticationRecipe(("CA-ECDH-3DES-CBC-CBC",))
    return replace(recipe, chip_authentication=(key,))


def with_key_id(recipe: Recipe) -> Recipe:
    return replace(recipe, chip_authentication=(ChipAuthenticationRecipe(key_id=1),))


def with_long_signature(recipe: Recipe) -> Recipe:
    return replace(recipe, active_authentication=ActiveAuthenticationRecipe(KeyKind.RSA_3072))


def with_stated_lengths(recipe: Recipe) -> Recipe:
    return replace(recipe, atr_info=True)


def with_directory(recipe: Recipe) -> Recipe:
    return replace(recipe, directory=True)


def with_codestream(recipe: Recipe) -> Recipe:
    return replace(recipe, portrait=replace(recipe.portrait, image=ImageKind.CODESTREAM))


def with_padded_image(recipe: Recipe) -> Recipe:
    return replace(recipe, portrait=replace(recipe.portrait, padding=37))


def with_images(recipe: Recipe) -> Recipe:
    return replace(recipe, portrait=replace(recipe.portrait, copies=2))


def with_indefinite_length(recipe: Recipe) -> Recipe:
    envelope = replace(recipe.security_object.envelope, indefinite_length=True)
    return _with_security_object(recipe, envelope=envelope)


def with_id_data(recipe: Recipe) -> Recipe:
    return _with_security_object(recipe, content_type=ContentType.ID_DATA)


def with_draft_content_type(recipe: Recipe) -> Recipe:
    return _with_security_object(recipe, content_type=ContentType.DRAFT)


def _with_security_object(recipe: Recipe, **changes: Any) -> Recipe:
    return replace(recipe, security_object=replace(recipe.security_object, **changes))


# --- contents ---


def without_com(profile: CardProfile) -> CardProfile:
    return replace(profile, files={k: v for k, v in profile.files.items() if k != EF_COM})


def listing(*tags: int) -> Callable[[CardProfile], CardProfile]:
    def change(profile: CardProfile) -> CardProfile:
        objects = tlv.parse(profile.files[EF_COM]).children()
        listed = b"".join(
            tlv.encode(item.tag, item.value + bytes(tags)) if item.tag == _TAG_LIST else item.raw
            for item in objects
        )
        return _with_com(profile, tlv.encode(_COM, listed))

    return change


def longer_com(profile: CardProfile) -> CardProfile:
    """A length that promises more than the file holds."""
    file = bytearray(profile.files[EF_COM])
    file[1] += 9
    return _with_com(profile, bytes(file))


def _with_com(profile: CardProfile, file: bytes) -> CardProfile:
    return replace(profile, files={**profile.files, EF_COM: file})


def padded_files(profile: CardProfile) -> CardProfile:
    files = {k: v + bytes(-len(v) % EF_PADDING) for k, v in profile.files.items()}
    return replace(profile, files=files)
