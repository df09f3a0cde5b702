"""Sounds in QTI: a `mediaInteraction` that only plays is a sound that may be heard so often.

Its response counts the plays. Where the item's processing asks for that count it is more than
playing, and no kind of ours.
"""

from lxml import etree

from question_bank.interchange.markup import attribute, child, children, line_of, name_of
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti3_body import plain_audio
from question_bank.interchange.qti3_made import made
from question_bank.interchange.qti3_terms import QTI
from question_bank.interchange.qti3_vocabulary import Version

INTERACTION = "qti-media-interaction"
PLAYS = "PLAYS"
#: MIME types by the endings of our sounds' names.
TYPES = {"mp3": "audio/mpeg", "ogg": "audio/ogg", "wav": "audio/wav"}


def take_players(root: etree._Element, log: ProblemLog) -> None:
    """Makes each interaction that only plays a sound an audio element, in place, and takes away
    the response that counts its plays."""
    declared = {
        attribute(one, "identifier"): one for one in children(root, "qti-response-declaration")
    }
    used = {attribute(one, "identifier") for one in root.iter(f"{{{QTI}}}qti-variable")}
    for player in list(root.iter(f"{{{QTI}}}{INTERACTION}")):
        response = attribute(player, "response-identifier")
        medium = next((one for one in player if _is_sound(one)), None)
        if medium is None or response in used:
            continue
        _report(player, log)
        if response in declared:
            root.remove(declared[response])
        _become_audio(player, medium)


def _is_sound(element: etree._Element) -> bool:
    kind = attribute(element, "type")
    return name_of(element) == "audio" or (
        name_of(element) == "object" and kind.startswith("audio/")
    )


def _report(player: etree._Element, log: ProblemLog) -> None:
    asked = {name: attribute(player, name, "false") for name in ("autostart", "loop")}
    for name in (name for name, value in asked.items() if value in ("true", "1")):
        log.warning(line_of(player), INTERACTION, f"{name}: a candidate starts each play; left out")
    if attribute(player, "min-plays", "0") not in ("0", ""):
        log.warning(line_of(player), INTERACTION, "min-plays: nobody has to listen; left out")


def _become_audio(player: etree._Element, medium: etree._Element) -> None:
    plays = attribute(player, "max-plays", "0")
    if name_of(medium) == "object":
        medium.set("src", attribute(medium, "data"))
    plain_audio(medium)
    if plays != "0":
        medium.set("data-max-plays", plays)
    medium.tail = player.tail
    prompt, parent = child(player, "qti-prompt"), player.getparent()
    if parent is None:
        return
    if prompt is not None:
        prompt.tag = f"{{{QTI}}}div"
        prompt.tail = None
        parent.insert(parent.index(player), prompt)
    parent.replace(player, medium)


def write_sounds(root: etree._Element, version: Version) -> list[etree._Element]:
    """Makes the sounds below `root` (as `fill` left them) those of that version of QTI; the
    declarations of the responses that count their plays."""
    declarations = []
    for number, sound in enumerate(list(root.iter(f"{{{QTI}}}audio")), 1):
        plays, parent = sound.get("data-plays"), sound.getparent()
        if parent is None:
            continue
        tail, sound.tail = sound.tail, None
        shown = _object(sound) if version == "2.2" else _audio(sound)
        if plays is not None:
            name = f"{PLAYS}{number}"
            player = made(INTERACTION, shown, response_identifier=name, max_plays=str(plays))
            player.set("autostart", "false")
            declared = made("qti-response-declaration", identifier=name, cardinality="single")
            declared.set("base-type", "integer")
            declarations.append(declared)
            shown = player
        shown.tail = tail
        parent.replace(sound, shown)
    return declarations


def write_stimulus_sounds(root: etree._Element) -> None:
    """The same in a stimulus of 3.0, where no interaction may stand."""
    for sound in list(root.iter(f"{{{QTI}}}audio")):
        plays, parent = sound.get("data-plays"), sound.getparent()
        if parent is None:
            continue
        tail, sound.tail = sound.tail, None
        shown = _audio(sound)
        if plays is not None:
            shown.set("data-max-plays", str(plays))
        shown.tail = tail
        parent.replace(sound, shown)


def _audio(sound: etree._Element) -> etree._Element:
    shown = made("audio", src=str(sound.get("src")), controls="controls")
    if sound.get("title"):
        shown.set("title", str(sound.get("title")))
    return shown


def _object(sound: etree._Element) -> etree._Element:
    source = str(sound.get("src"))
    shown = made("object", data=source)
    shown.set("type", TYPES.get(source.rpartition(".")[2], "audio/mpeg"))
    shown.text = str(sound.get("title", "")) or None
    return shown
