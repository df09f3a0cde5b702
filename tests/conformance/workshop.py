"""Makes the plan's cards: one issuer, passports after the plan's default configurations."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

from PIL import Image

from card_reader.lds import card_access, dg14
from card_reader.lds.security_infos import SecurityInfo
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import (
    EF_CARD_ACCESS,
    EF_CARD_SECURITY,
    EF_SOD,
    CardProfile,
    data_group_id,
)
from card_reader.simulator.recipe import (
    AccessRecipe,
    ActiveAuthenticationRecipe,
    ChipAuthenticationRecipe,
    PaceRecipe,
    Recipe,
    Shape,
)
from card_reader.simulator.signature_schemes import default_algorithm
from card_reader.simulator.signed_data import sign

HOLDER = Holder("001206012345", "Nguyễn Văn An", date(2006, 5, 17), "M")
CAN = "123456"
CARD_SECURITY_CONTENT = "0.4.0.127.0.7.3.2.1"  # id-SecurityObject

# The configurations of the plan's chapter 4, as far as chips without terminal authentication
# have them.
PLAIN = Recipe(Shape.TD3, access=AccessRecipe(bac=False, plain=True), active_authentication=None)
BAC = Recipe(Shape.TD3, active_authentication=None)


def eac(*keys: ChipAuthenticationRecipe) -> Recipe:
    """BAC and chip authentication."""
    return replace(BAC, chip_authentication=keys)


def pace(*offers: tuple[str, int], chip_mapping: int | None = None) -> Recipe:
    """PACE alone, over these protocols and domain parameters."""
    access = AccessRecipe(bac=False, pace=tuple(PaceRecipe(*offer) for offer in offers), can=CAN)
    return replace(BAC, access=access, chip_mapping=chip_mapping)


def signing(active: ActiveAuthenticationRecipe) -> Recipe:
    """BAC and active authentication."""
    return replace(BAC, active_authentication=active)


class Slot:
    """What lies in a virtual reader: a chip that may become another one between two inspections.

    To pcscd the card stays the same; every inspection resets it.
    """

    def __init__(self, atr: bytes) -> None:
        self.atr = atr
        self.chip: Chip | None = None

    def reset(self) -> None:
        if self.chip is not None:
            self.chip.reset()

    def transmit(self, command: bytes) -> bytes:
        return self.chip.transmit(command) if self.chip is not None else b"\x6f\x00"


class Workshop:
    """The issuer, and the folder of what inspections trust: his authority and revocation list."""

    def __init__(self, trust: Path) -> None:
        self.trust = trust
        self.issuer = Issuer.generate()
        self.issuer.save(trust / "home")
        self._cards: dict[Recipe, CardProfile] = {}
        self._portrait = _portrait()

    @property
    def atr(self) -> bytes:
        return self.issue(BAC).atr

    def issue(self, recipe: Recipe) -> CardProfile:
        """The card of a recipe; the same one each time."""
        if recipe not in self._cards:
            self._cards[recipe] = self.issuer.issue(HOLDER, self._portrait, recipe=recipe)
        return self._cards[recipe]

    def with_groups(self, card: CardProfile, groups: Mapping[int, bytes]) -> CardProfile:
        """The card with these data groups in place of its own, signed anew."""
        files = {
            **card.files,
            **{data_group_id(number): content for number, content in groups.items()},
        }
        present = {number: data_group_id(number) for number in range(1, 17)}
        signed = {number: files[key] for number, key in present.items() if key in files}
        sod = self.issuer.sign(signed, now=datetime.now(UTC))
        return replace(card, files={**files, EF_SOD: sod})

    def with_infos(
        self,
        card: CardProfile,
        signed: Iterable[SecurityInfo],
        offered: Iterable[SecurityInfo] | None = None,
    ) -> CardProfile:
        """The card with these SecurityInfos in EF.DG14 and, where given, in EF.CardAccess."""
        changed = self.with_groups(card, {14: dg14.encode(signed)})
        return changed if offered is None else with_card_access(changed, offered)

    def with_card_security(self, card: CardProfile, infos: Iterable[SecurityInfo]) -> CardProfile:
        """The card with these SecurityInfos in EF.CardSecurity."""
        signer = self.issuer.signer
        content = sign(
            CARD_SECURITY_CONTENT,
            card_access.encode(infos),
            signer,
            default_algorithm(signer.key),
            datetime.now(UTC),
            os.urandom,
        )
        return with_master_file(card, EF_CARD_SECURITY, content)


def with_card_access(card: CardProfile, infos: Iterable[SecurityInfo]) -> CardProfile:
    return with_master_file(card, EF_CARD_ACCESS, card_access.encode(infos))


def with_master_file(card: CardProfile, identifier: int, content: bytes) -> CardProfile:
    return replace(card, master_files={**card.master_files, identifier: content})


def without_file(card: CardProfile, identifier: int) -> CardProfile:
    """The card without a file of its application."""
    files = {key: content for key, content in card.files.items() if key != identifier}
    return replace(card, files=files)


def infos_of(card: CardProfile) -> tuple[SecurityInfo, ...]:
    """The SecurityInfos in EF.DG14."""
    return dg14.parse(card.files[data_group_id(14)])


def _portrait() -> bytes:
    out = BytesIO()
    Image.new("RGB", (60, 80), "tan").save(out, "JPEG")
    return out.getvalue()
