"""Named recipes: cards that circulate, and ones that a tester wants at hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from card_reader.lds.dg2 import FaceFormat
from card_reader.simulator.profile import SignatureFormat
from card_reader.simulator.recipe import (
    VIETNAMESE_CARD,
    AccessRecipe,
    ActiveAuthenticationRecipe,
    ChipAuthenticationRecipe,
    ImageKind,
    PaceRecipe,
    ParameterEncoding,
    PortraitRecipe,
    Recipe,
    SecurityObjectRecipe,
    Shape,
    SignerRecipe,
)
from card_reader.simulator.security_object import ContentType
from card_reader.simulator.signed_data import Envelope
from card_reader.simulator.signing_keys import KeyKind
from card_reader.trust.signatures import Scheme, SignatureAlgorithm


@dataclass(frozen=True, slots=True)
class Preset:
    """A recipe and one English line about it."""

    recipe: Recipe
    description: str


# Numbers of ICAO 9303-11 §9.5.1.
_MODP_1024, _MODP_2048_256 = 0, 2
_P256, _BP256, _BP320, _BP384, _BP512, _P521 = 12, 13, 14, 16, 17, 18
_CAN = "123456"
_RSA_SHA1 = SignatureAlgorithm(Scheme.RSA, "sha1")
_PSS_SHA256 = SignatureAlgorithm(Scheme.PSS, "sha256", "sha256", 32)


def _signed_by(key: KeyKind, signature: SignatureAlgorithm | None = None) -> SignerRecipe:
    return SignerRecipe(key, signature)


def _ecdsa(hash_name: str) -> SignatureAlgorithm:
    return SignatureAlgorithm(Scheme.ECDSA, hash_name)


_PRESETS = {
    "vietnam": Preset(VIETNAMESE_CARD, "citizen card since 2021: BAC, RSA active authentication"),
    "vietnam-2024-pace": Preset(
        Recipe(
            access=AccessRecipe(
                pace=(PaceRecipe("PACE-ECDH-GM-AES-CBC-CMAC-128", _BP256),), can=_CAN
            ),
            chip_authentication=(ChipAuthenticationRecipe(parameter_id=_BP256),),
            active_authentication=ActiveAuthenticationRecipe(KeyKind.RSA_2048),
            atr_info=True,
        ),
        "citizen card since 2024: PACE beside BAC, chip and active authentication",
    ),
    "passport-plain": Preset(
        Recipe(
            Shape.TD3,
            access=AccessRecipe(bac=False, plain=True),
            signer=_signed_by(KeyKind.RSA_2048, _RSA_SHA1),
            active_authentication=None,
        ),
        "early passport without access control: RSA and SHA-1",
    ),
    "passport-bac-3des": Preset(
        Recipe(
            Shape.TD3,
            signer=_signed_by(KeyKind.RSA_2048, _RSA_SHA1),
            security_object=SecurityObjectRecipe("sha1"),
            active_authentication=ActiveAuthenticationRecipe(KeyKind.RSA_1024, "sha1"),
            portrait=PortraitRecipe(image=ImageKind.JP2),
        ),
        "first-generation passport: BAC, active authentication with SHA-1",
    ),
    "passport-eac-3des": Preset(
        Recipe(
            Shape.TD3,
            signer=_signed_by(KeyKind.P256, _ecdsa("sha256")),
            chip_authentication=(
                ChipAuthenticationRecipe(
                    ("CA-ECDH-3DES-CBC-CBC",),
                    _BP256,
                    encoding=ParameterEncoding.EXPLICIT,
                    announced=False,
                ),
            ),
            active_authentication=None,
        ),
        "passport of the second generation: BAC and chip authentication, its protocol unsaid",
    ),
    "passport-pace-dh-3des": Preset(
        Recipe(
            Shape.TD3,
            signer=_signed_by(KeyKind.RSA_3072, _PSS_SHA256),
            access=AccessRecipe(pace=(PaceRecipe("PACE-DH-GM-3DES-CBC-CBC", _MODP_1024),)),
            chip_authentication=(ChipAuthenticationRecipe(("CA-DH-3DES-CBC-CBC",), _MODP_1024, 1),),
        ),
        "PACE and chip authentication over prime fields with 3DES, RSA-PSS",
    ),
    "passport-pace-im-aes128": Preset(
        Recipe(
            Shape.TD3,
            signer=_signed_by(KeyKind.P384, _ecdsa("sha384")),
            access=AccessRecipe(pace=(PaceRecipe("PACE-ECDH-IM-AES-CBC-CMAC-128", _P256),)),
            chip_authentication=(ChipAuthenticationRecipe(parameter_id=_P256),),
            active_authentication=ActiveAuthenticationRecipe(KeyKind.P256),
        ),
        "PACE with integrated mapping, ECDSA active authentication",
    ),
    "passport-pace-gm-aes192": Preset(
        Recipe(
            Shape.TD3,
            signer=_signed_by(KeyKind.BRAINPOOL_P320R1, _ecdsa("sha384")),
            access=AccessRecipe(pace=(PaceRecipe("PACE-ECDH-GM-AES-CBC-CMAC-192", _BP320),)),
            chip_authentication=(ChipAuthenticationRecipe(("CA-ECDH-AES-CBC-CMAC-192",), _BP320),),
            active_authentication=None,
        ),
        "AES-192 and brainpoolP320r1 throughout",
    ),
    "passport-pace-cam-aes256": Preset(
        Recipe(
            Shape.TD3,
            signer=_signed_by(KeyKind.BRAINPOOL_P512R1, _ecdsa("sha512")),
            security_object=SecurityObjectRecipe("sha512", 1),
            access=AccessRecipe(
                pace=(
                    PaceRecipe("PACE-ECDH-CAM-AES-CBC-CMAC-256", _BP384),
                    PaceRecipe("PACE-ECDH-GM-AES-CBC-CMAC-256", _BP384),
                )
            ),
            chip_mapping=_BP384,
            chip_authentication=(
                ChipAuthenticationRecipe(("CA-ECDH-AES-CBC-CMAC-256",), _BP512, 2),
            ),
            active_authentication=None,
            atr_info=True,
            directory=True,
        ),
        "PACE with chip authentication mapping beside generic mapping, AES-256",
    ),
    "passport-many-keys": Preset(
        Recipe(
            Shape.TD3,
            access=AccessRecipe(
                pace=(
                    PaceRecipe("PACE-ECDH-GM-3DES-CBC-CBC", _P256),
                    PaceRecipe("PACE-ECDH-GM-AES-CBC-CMAC-128", _P256),
                    PaceRecipe("PACE-ECDH-GM-AES-CBC-CMAC-256", _P521),
                    PaceRecipe("PACE-DH-IM-AES-CBC-CMAC-128", _MODP_2048_256),
                )
            ),
            chip_authentication=(
                ChipAuthenticationRecipe(
                    ("CA-ECDH-3DES-CBC-CBC", "CA-ECDH-AES-CBC-CMAC-128"), _P256, 1
                ),
                ChipAuthenticationRecipe(("CA-DH-AES-CBC-CMAC-128",), _MODP_2048_256, 2),
            ),
        ),
        "several domain parameters and key ids, so that the reader has to name its choice",
    ),
    "passport-odd-sod": Preset(
        Recipe(
            Shape.TD3,
            signer=SignerRecipe(
                KeyKind.BRAINPOOL_P256R1, SignatureAlgorithm(Scheme.PLAIN_ECDSA, "sha256"), True
            ),
            security_object=SecurityObjectRecipe(
                "sha1",
                1,
                ContentType.ID_DATA,
                Envelope(signer_by_key_id=True, indefinite_length=True),
            ),
        ),
        "SOD in BER, id-data, signer by key id, explicit parameters, plain ECDSA",
    ),
    "passport-extended-portrait": Preset(
        Recipe(
            Shape.TD3,
            portrait=PortraitRecipe(FaceFormat.ISO_39794_5, ImageKind.CODESTREAM, 2, 64),
            data_groups=(7, 11, 12),
            active_authentication=ActiveAuthenticationRecipe(
                KeyKind.P256, format=SignatureFormat.DER
            ),
        ),
        "EF.DG2 of ISO/IEC 39794-5 with two padded raw codestreams, EF.DG7, 11, 12, DER signatures",
    ),
    "identity-card-can": Preset(
        Recipe(
            Shape.TD1,
            access=AccessRecipe(
                bac=False, pace=(PaceRecipe("PACE-ECDH-GM-AES-CBC-CMAC-128", _BP256),), can=_CAN
            ),
            chip_authentication=(ChipAuthenticationRecipe(parameter_id=_BP256),),
            active_authentication=None,
        ),
        "TD1 identity card that opens by PACE alone, with the CAN too",
    ),
    "residence-permit-td2": Preset(
        Recipe(Shape.TD2, signer=_signed_by(KeyKind.RSA_2048_E3, _PSS_SHA256)),
        "TD2 document with BAC, signed with RSA-PSS and e = 3",
    ),
}
PRESETS: Mapping[str, Preset] = MappingProxyType(_PRESETS)
