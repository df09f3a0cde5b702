"""What a verification can find: the closed list of codes in a report's ``reasons``."""

from enum import StrEnum


class Finding(StrEnum):
    """One reason for a verdict.  The value is the stable code that screens translate."""

    SOD_MISSING = "sod_missing"
    SOD_MALFORMED = "sod_malformed"
    NO_SIGNER_CERTIFICATE = "no_signer_certificate"
    CONTENT_TYPE_MISMATCH = "content_type_mismatch"
    DIGEST_MISMATCH = "digest_mismatch"
    SIGNATURE_INVALID = "signature_invalid"
    UNSUPPORTED_ALGORITHM = "unsupported_algorithm"
    NO_ANCHOR = "no_anchor"
    SIGNER_PINNED = "signer_pinned"
    CHAIN_INVALID = "chain_invalid"
    SIGNER_MAY_NOT_SIGN = "signer_may_not_sign"
    SIGNER_REVOKED = "signer_revoked"
    ANCHOR_REVOKED = "anchor_revoked"
    CRL_STALE = "crl_stale"
    CRL_UNVERIFIED = "crl_unverified"
    SIGNER_EXPIRED = "signer_expired"
    SIGNER_NOT_YET_VALID = "signer_not_yet_valid"
    REALM_MISMATCH = "realm_mismatch"
    DATA_GROUP_MISMATCH = "data_group_mismatch"
    DATA_GROUP_NOT_IN_SOD = "data_group_not_in_sod"
    DATA_GROUP_MISSING = "data_group_missing"
    DATA_GROUP_MALFORMED = "data_group_malformed"
    ISSUER_MISMATCH = "issuer_mismatch"
    STATE_NOT_ACCEPTED = "state_not_accepted"
    DOCUMENT_CODE_NOT_ACCEPTED = "document_code_not_accepted"
    CHALLENGE_MISSING = "challenge_missing"
    CHALLENGE_MISMATCH = "challenge_mismatch"
    ACTIVE_AUTHENTICATION_MISSING = "active_authentication_missing"
    ACTIVE_AUTHENTICATION_FAILED = "active_authentication_failed"
    CHIP_AUTHENTICATION_MISSING = "chip_authentication_missing"
    CHIP_AUTHENTICATION_FAILED = "chip_authentication_failed"
    CHIP_KEY_MISMATCH = "chip_key_mismatch"
    CHIP_MAPPING_FAILED = "chip_mapping_failed"
    CARD_SECURITY_INVALID = "card_security_invalid"
    CARD_SECURITY_UNPROVEN = "card_security_unproven"
    CARD_ACCESS_MISMATCH = "card_access_mismatch"
    CARD_ACCESS_UNSIGNED = "card_access_unsigned"
    PACE_NOT_USED = "pace_not_used"
    ACCESS_DOWNGRADED = "access_downgraded"
    ACCESS_NOT_ACCEPTED = "access_not_accepted"
    NUMBER_MISMATCH = "number_mismatch"
    FILE_IRREGULAR = "file_irregular"
    SIGNER_IRREGULAR = "signer_irregular"

    @property
    def explanation(self) -> str:
        """One English line."""
        return _EXPLANATIONS[self]


_EXPLANATIONS: dict[Finding, str] = {
    Finding.SOD_MISSING: "The card gave no EF.SOD, so nothing on it is signed.",
    Finding.SOD_MALFORMED: "EF.SOD does not follow the standard.",
    Finding.NO_SIGNER_CERTIFICATE: "The certificate that the signature names is missing.",
    Finding.CONTENT_TYPE_MISMATCH: "The signature was made for another kind of content.",
    Finding.DIGEST_MISMATCH: "The signed content was changed after signing.",
    Finding.SIGNATURE_INVALID: "The issuer's signature does not verify.",
    Finding.UNSUPPORTED_ALGORITHM: "An algorithm or curve is unknown here.",
    Finding.NO_ANCHOR: "No trusted issuer certificate (CSCA) vouches for the signer.",
    Finding.SIGNER_PINNED: "No CSCA vouches for the signer, but two officers pinned it.",
    Finding.CHAIN_INVALID: "The signer's certificate claims an issuer that did not sign it.",
    Finding.SIGNER_MAY_NOT_SIGN: "The signer's certificate is not for signing documents.",
    Finding.SIGNER_REVOKED: "The signer's certificate was revoked.",
    Finding.ANCHOR_REVOKED: "The issuer's own certificate was revoked.",
    Finding.CRL_STALE: "The revocation list is out of date.",
    Finding.CRL_UNVERIFIED: "A revocation list of the issuer does not verify and was not used.",
    Finding.SIGNER_EXPIRED: "The signer's certificate had expired on that day.",
    Finding.SIGNER_NOT_YET_VALID: "The signer's certificate was not yet valid on that day.",
    Finding.REALM_MISMATCH: "Test and live must not meet: the anchors are of the other realm.",
    Finding.DATA_GROUP_MISMATCH: "A data group was changed after signing.",
    Finding.DATA_GROUP_NOT_IN_SOD: "A data group is not covered by the signature; not used.",
    Finding.DATA_GROUP_MISSING: "A data group that is needed was not read.",
    Finding.DATA_GROUP_MALFORMED: "A data group does not follow the standard.",
    Finding.ISSUER_MISMATCH: "The signer belongs to another state than the document.",
    Finding.STATE_NOT_ACCEPTED: "Documents of this state are not accepted here.",
    Finding.DOCUMENT_CODE_NOT_ACCEPTED: "Documents of this kind are not accepted here.",
    Finding.CHALLENGE_MISSING: "The chip was not asked to prove itself.",
    Finding.CHALLENGE_MISMATCH: "The chip answered another challenge than the one issued.",
    Finding.ACTIVE_AUTHENTICATION_MISSING: "The chip did not prove that it is the original.",
    Finding.ACTIVE_AUTHENTICATION_FAILED: "The chip's proof is wrong: it may be a copy.",
    Finding.CHIP_AUTHENTICATION_MISSING: "The chip has a key for chip authentication; not run.",
    Finding.CHIP_AUTHENTICATION_FAILED: "Chip authentication failed: the chip may be a copy.",
    Finding.CHIP_KEY_MISMATCH: "The server's chip authentication was with another chip.",
    Finding.CHIP_MAPPING_FAILED: "The chip's proof within PACE is wrong: it may be a copy.",
    Finding.CARD_SECURITY_INVALID: "EF.CardSecurity is not what an issuer signed.",
    Finding.CARD_SECURITY_UNPROVEN: "No trusted issuer vouches for EF.CardSecurity; not used.",
    Finding.CARD_ACCESS_MISMATCH: "EF.CardAccess offers other protocols than the signed files.",
    Finding.CARD_ACCESS_UNSIGNED: "No signed file confirms what EF.CardAccess offers.",
    Finding.PACE_NOT_USED: "The signed files offer PACE, but the chip was opened another way.",
    Finding.ACCESS_DOWNGRADED: "PACE failed, and the chip was opened with the older BAC.",
    Finding.ACCESS_NOT_ACCEPTED: "This way of opening the chip is not accepted here.",
    Finding.NUMBER_MISMATCH: "The card's number differs between its files.",
    Finding.FILE_IRREGULAR: "A file departs from the form that its standard demands.",
    Finding.SIGNER_IRREGULAR: "The signer's certificate departs from the form that is demanded.",
}
