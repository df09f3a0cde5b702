"""Everything that can go wrong with a card, as one tree of typed errors.

Each error carries a :class:`CardReason` from a closed list.  Screens translate the reason's
code; the English ``remedy`` beside it is what a terminal shows.
"""

from enum import StrEnum


class CardReason(StrEnum):
    """Why a card could not be read or understood.  The value is the stable code."""

    NO_SERVICE = "no_service"
    NO_READER = "no_reader"
    NO_CARD = "no_card"
    CARD_REMOVED = "card_removed"
    READER_BUSY = "reader_busy"
    READER_FAILED = "reader_failed"
    ACCESS_DENIED = "access_denied"
    NO_PASSWORD = "no_password"  # noqa: S105 - a code
    NOT_AN_EMRTD = "not_an_emrtd"
    CHIP_ANSWERED_WRONGLY = "chip_answered_wrongly"
    CHIP_NOT_GENUINE = "chip_not_genuine"
    IDENTITY_REFUSED = "identity_refused"
    IDENTITY_UNPROVEN = "identity_unproven"
    SECURE_MESSAGING_BROKEN = "secure_messaging_broken"
    FILE_MISSING = "file_missing"
    FILE_PROTECTED = "file_protected"
    MALFORMED_FILE = "malformed_file"
    MALFORMED_APDU = "malformed_apdu"
    MALFORMED_CERTIFICATE = "malformed_certificate"
    MALFORMED_EVIDENCE = "malformed_evidence"
    TOO_LARGE = "too_large"
    UNSUPPORTED_ALGORITHM = "unsupported_algorithm"
    UNREADABLE_INPUT = "unreadable_input"

    @property
    def remedy(self) -> str:
        """One English line that tells a person what to do."""
        return _REMEDIES[self]


_REMEDIES: dict[CardReason, str] = {
    CardReason.NO_SERVICE: "Start the smart card service (pcscd) and try again.",
    CardReason.NO_READER: "Connect a card reader and check its cable.",
    CardReason.NO_CARD: "Put the card on the reader.",
    CardReason.CARD_REMOVED: "Put the card back and keep it still until reading has finished.",
    CardReason.READER_BUSY: "Close the other program that is using the reader.",
    CardReason.READER_FAILED: "Unplug the reader, plug it in again and try once more.",
    CardReason.ACCESS_DENIED: (
        "Check the printed data: document number, dates of birth and expiry, or the CAN."
    ),
    CardReason.NO_PASSWORD: "Give the card's number with date of birth, or its MRZ data.",
    CardReason.NOT_AN_EMRTD: "Use a chip identity card or a passport.",
    CardReason.CHIP_ANSWERED_WRONGLY: "Take the card off the reader and put it on again.",
    CardReason.CHIP_NOT_GENUINE: "The chip may be a copy: call the proctor.",
    CardReason.IDENTITY_REFUSED: "Do not accept this card: call the proctor.",
    CardReason.IDENTITY_UNPROVEN: "Give the issuer's certificate (CSCA), or let a proctor decide.",
    CardReason.SECURE_MESSAGING_BROKEN: "Take the card off the reader and put it on again.",
    CardReason.FILE_MISSING: "Use another card, or ask the proctor.",
    CardReason.FILE_PROTECTED: "This file needs rights that this reader does not have.",
    CardReason.MALFORMED_FILE: "Read the card again; if it stays so, ask the proctor.",
    CardReason.MALFORMED_APDU: "Take the card off the reader and put it on again.",
    CardReason.MALFORMED_CERTIFICATE: "Get the certificate again from its issuer.",
    CardReason.MALFORMED_EVIDENCE: "Read the card again.",
    CardReason.TOO_LARGE: "Read the card again; if it stays so, ask the proctor.",
    CardReason.UNSUPPORTED_ALGORITHM: "This card uses an algorithm unknown here; ask the proctor.",
    CardReason.UNREADABLE_INPUT: "Check the path and the permissions of the file.",
}


class CardError(Exception):
    """Base of every error of this package.

    ``reason`` is the code, ``detail`` one line for the log; ``str()`` joins the detail and the
    remedy into the one line a terminal shows.
    """

    reason: CardReason = CardReason.CHIP_ANSWERED_WRONGLY

    def __init__(self, detail: str, reason: CardReason | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if reason is not None:
            self.reason = reason

    @property
    def remedy(self) -> str:
        return self.reason.remedy

    def __str__(self) -> str:
        return f"{self.detail.rstrip('.')}. {self.remedy}"


class ReaderError(CardError):
    """PC/SC service, reader or contact with the card: nobody lied, something is unplugged."""

    reason = CardReason.READER_FAILED


class AccessDeniedError(CardError):
    """The chip refused the access keys: wrong MRZ data or CAN."""

    reason = CardReason.ACCESS_DENIED


class ChipError(CardError):
    """The chip answered something the protocol does not allow."""

    reason = CardReason.CHIP_ANSWERED_WRONGLY


class SecureMessagingError(ChipError):
    """A protected response was missing, damaged or not authentic (ICAO 9303-11 §9.8)."""

    reason = CardReason.SECURE_MESSAGING_BROKEN


class MalformedApduError(CardError):
    """Bytes that are no command or response APDU (ISO 7816-4 §5.1)."""

    reason = CardReason.MALFORMED_APDU


class MalformedFileError(CardError):
    """A file's bytes do not follow their standard."""

    reason = CardReason.MALFORMED_FILE


class MalformedTlvError(MalformedFileError):
    """Bytes that are no BER-TLV (ISO 7816-4 §5.2.2)."""


class MalformedCertificateError(CardError):
    """Bytes that are no usable X.509 certificate, CRL or master list."""

    reason = CardReason.MALFORMED_CERTIFICATE


class MalformedEvidenceError(CardError):
    """Bytes that are no chip evidence of a version known here."""

    reason = CardReason.MALFORMED_EVIDENCE


class UnsupportedAlgorithmError(CardError):
    """A key, curve, hash or signature scheme that this package does not compute."""

    reason = CardReason.UNSUPPORTED_ALGORITHM


class UnreadableInputError(CardError):
    """A file or argument given to a command cannot be used."""

    reason = CardReason.UNREADABLE_INPUT
