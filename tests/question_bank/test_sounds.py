"""Sounds in items: decoded before they are taken, limited in plays, out to QTI and back."""

import base64
import io
import struct
import zipfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from item_builders import single
from test_interactions import form_of

from question_bank.content import clean, media_ids, sounds_of
from question_bank.errors import ContentError, FileRefusedError, ItemError, MalformedError
from question_bank.interactions import Option, SingleChoice
from question_bank.interchange.formats import WRITERS
from question_bank.interchange.moodle.xml import read_moodle_xml
from question_bank.interchange.problems import Imported
from question_bank.interchange.qti3 import read_qti3
from question_bank.interchange.qti3_writer import Version, write_item, write_package
from question_bank.item import AllOrNothing, ChoiceKey, Item, Media, Stimulus
from question_bank.package import decode, encode
from question_bank.presented import sounds_in
from question_bank.records import item_from_plain, item_to_plain
from question_bank.sounds import MAX_SECONDS, MAX_SOUND, facts_of, sound

FOLDER = Path(__file__).parents[2] / "fixtures" / "sound"
NAMES = ("tones.wav", "tones.mp3", "tones.ogg", "tones.opus.ogg")
TONES = sound((FOLDER / "tones.mp3").read_bytes(), "tones.mp3")
OTHER = sound((FOLDER / "tones.ogg").read_bytes(), "tones.ogg")
VERSIONS: tuple[Version, ...] = ("3.0", "2.2")


def listening(plays: str = ' data-plays="2"', *, passage: bool = False) -> Item:
    heard = f'<audio data-plays="2" src="media:{OTHER.id}" title="Bài nghe"/>'
    stem = f'<p>Nghe rồi chọn.</p><audio{plays} src="media:{TONES.id}" title="Ba âm"/><p>Cao?</p>'
    shown = SingleChoice((Option("A", "một"), Option("B", "hai"), Option("C", "ba")))
    stimulus = Stimulus("nghe-1", f"<p>Đoạn một</p>{heard}") if passage else None
    media = (*((OTHER,) if passage else ()), TONES)
    return Item(
        "q-nghe", stem, shown, ChoiceKey(("C",)), AllOrNothing(), Decimal("0.25"),
        media=tuple(sorted(media, key=lambda one: one.id)), stimulus=stimulus,
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_sound_is_decoded_and_tells_its_length(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    taken, facts = sound(data, name), facts_of(data)
    assert taken.data == data and taken.mime in ("audio/wav", "audio/mpeg", "audio/ogg")
    assert facts.seconds == pytest.approx(1.5, abs=0.01) and facts.channels == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kept", (0, 3, 40, 500, -1200))
def test_a_sound_that_is_cut_off_is_refused_by_name(name: str, kept: int) -> None:
    data = (FOLDER / name).read_bytes()[:kept]
    with pytest.raises(FileRefusedError, match=r"bài-nghe\.x: "):
        sound(data, "bài-nghe.x")


def _made(
    kind: str, subtype: str, *, rate: int = 16_000, channels: int = 1, frames: int = 99
) -> bytes:
    buffer = io.BytesIO()
    shape = np.zeros((frames, channels))
    soundfile.write(buffer, shape, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x00\x00\x00\x20ftypM4A " + bytes(100), "AAC"),
        (bytes(MAX_SOUND + 1), "more than"),
        (_made("FLAC", "PCM_16"), "FLAC"),
        (_made("WAV", "ULAW"), "ULAW"),
        (_made("WAV", "PCM_16", channels=6), "6 channels"),
        (_made("WAV", "PCM_16", rate=4_000), "4000 Hz"),
        (_made("WAV", "PCM_16", frames=0), "empty"),
        (_made("WAV", "PCM_U8", rate=8_000, frames=8_000 * MAX_SECONDS + 1), "longer"),
        (b"<html>", "cannot be decoded"),
        (b"ID3" + bytes(300), "cannot be decoded"),
    ],
)
def test_what_is_no_sound_of_ours_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(FileRefusedError, match=why):
        sound(data, "x")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_hostile_bytes_are_refused_or_taken_and_nothing_else(
    name: str, data: st.DataObject
) -> None:
    damaged = bytearray((FOLDER / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(damaged) - 5))
        struct.pack_into("<I", damaged, place, data.draw(st.integers(0, 2**32 - 1)))
    try:
        assert sound(bytes(damaged), name).data == damaged
    except FileRefusedError as error:
        assert str(error).startswith(f"{name}: ")


def test_content_keeps_a_sound_and_nothing_that_loads() -> None:
    kept = '<audio data-plays="2" src="media:a.mp3" title="Bài"/>'
    assert clean(kept) == kept and sounds_of(kept) == (("a.mp3", 2),)
    assert media_ids(f'<img src="media:b.png"/>{kept}') == ("b.png", "a.mp3")
    for bad in (
        '<audio src="https://x/a.mp3"/>',
        '<audio src="media:a.mp3" autoplay="autoplay"/>',
        '<audio src="media:a.mp3" data-plays="0"/>',
        '<audio src="media:a.mp3" data-plays="1e9"/>',
        '<audio src="media:a.mp3"><source src="https://x"/></audio>',
        '<audio src="media:a.mp3">words</audio>',
    ):
        with pytest.raises(ContentError):
            clean(bad)
        told = _told(bad)
        assert told and set(told) == {"audio"}


def _told(fragment: str) -> list[str]:
    told: list[str] = []
    assert "https" not in clean(fragment, lambda name, _: told.append(name))
    return told


def test_a_sound_stands_in_stem_and_stimulus_only() -> None:
    item = listening()
    with pytest.raises(ItemError, match="stem or the stimulus"):
        heard = f'<audio src="media:{TONES.id}"/>'
        replace(item, interaction=SingleChoice((Option("C", heard), Option("B", "2"))))
    with pytest.raises(ItemError, match="two numbers"):
        replace(item, stem=item.stem + f'<audio src="media:{TONES.id}"/>')


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("item", [listening(), listening(""), listening(passage=True)])
def test_a_sound_comes_back_from_qti(item: Item, version: Version) -> None:
    found = read_qti3(write_package([item], [], version), "x.zip")
    assert found.problems == ()
    assert found.items == (item,)
    assert item_from_plain(item_to_plain(item)) == item


def test_limited_plays_are_a_media_interaction() -> None:
    written = write_item(listening(), "2.2").decode()
    player = '<mediaInteraction responseIdentifier="PLAYS1" maxPlays="2" autostart="false">'
    assert player in written
    assert 'type="audio/mpeg"' in written
    assert "mediaInteraction" not in write_item(listening(""), "2.2").decode()


def _read(xml: bytes, beside: bytes) -> Imported:
    return read_qti3(xml, "x.xml", lambda _: beside)


def test_what_a_media_interaction_asks_beyond_playing_is_named() -> None:
    xml = write_item(listening(), "2.2")
    xml = xml.replace(b'maxPlays="2"', b'maxPlays="2" minPlays="1" loop="true"')
    xml = xml.replace(b'autostart="false"', b'autostart="true"')
    found = _read(xml, TONES.data)
    assert found.items[0].stem == listening().stem
    said = " ".join(problem.message for problem in found.problems)
    assert all(word in said for word in ("autostart", "loop", "min-plays"))
    counting = b"""<responseProcessing><responseCondition><responseIf><gt><variable
    identifier="PLAYS1"/><baseValue baseType="integer">0</baseValue></gt><setOutcomeValue
    identifier="SCORE"><baseValue baseType="float">1</baseValue></setOutcomeValue></responseIf>
    </responseCondition></responseProcessing></assessmentItem>"""
    counted = _read(xml.partition(b"<responseProcessing")[0] + counting, TONES.data)
    assert counted.items == ()
    assert any(p.element == "mediaInteraction" for p in counted.problems)


def test_a_hostile_sound_in_a_package_is_an_error_and_no_item() -> None:
    package = io.BytesIO(write_package([listening()], []))
    spoilt = io.BytesIO()
    with zipfile.ZipFile(package) as old, zipfile.ZipFile(spoilt, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data[: len(data) // 2] if name.endswith(".mp3") else data)
    found = read_qti3(spoilt.getvalue(), "x.zip")
    assert found.items == ()
    assert any(".mp3" in p.message and p.severity == "error" for p in found.problems)


def test_a_picture_is_no_sound_and_a_sound_no_picture() -> None:
    picture = single().media[0]
    found = _read(write_item(listening("")), picture.data)
    assert found.items == () and "another kind" in found.problems[0].message


def test_a_form_holds_its_sounds() -> None:
    form = form_of(listening(passage=True)).form
    again = decode(encode(form))
    heard = sounds_in(again)
    assert {one.plays for one in heard.values()} == {2} and len(heard) == 2
    assert all(one.items == {again.items[0].id} for one in heard.values())
    assert heard.keys() == {media.id for media in again.media}
    assert TONES.id not in repr(heard)  # names are opaque in a form
    spoilt = replace(again, media=tuple(replace(one, mime="image/png") for one in again.media))
    with pytest.raises(MalformedError, match="no sound"):
        encode(spoilt)
    with pytest.raises(MalformedError, match="is none of"):
        encode(replace(again, media=(Media("m", "audio/flac", b"fLaC"),)))


def test_moodle_brings_its_sounds() -> None:
    for shown in (
        '<audio controls="true"><source src="@@PLUGINFILE@@/b%C3%A0i%201.mp3">b.mp3</audio>',
        '<a href="@@PLUGINFILE@@/b%C3%A0i%201.mp3">Nghe</a>',
    ):
        xml = f"""<quiz><question type="multichoice"><name><text>n</text></name>
        <questiontext format="html"><text><![CDATA[<p>Nghe: {shown}</p>]]></text>
        <file name="bài 1.mp3" encoding="base64">{base64.b64encode(TONES.data).decode()}</file>
        </questiontext><single>true</single><answer fraction="100"><text>a</text></answer>
        <answer fraction="0"><text>b</text></answer></question></quiz>"""
        found = read_moodle_xml(xml.encode(), "x.xml")
        assert not [p for p in found.problems if p.severity == "error"]
        assert sounds_of(found.items[0].stem) == ((TONES.id, 0),)
        assert found.items[0].media == (TONES,)


@pytest.mark.parametrize("plays", ["", ' data-plays="2"'])
def test_a_sound_goes_to_moodle_and_comes_back(plays: str) -> None:
    item = listening(plays)
    written = WRITERS["moodle"].write([item], [])
    assert written.problems == ()
    (again,) = read_moodle_xml(written.data, "x.xml").items
    assert (again.stem, again.media) == (item.stem, item.media)


def test_paper_says_that_it_has_no_sounds() -> None:
    for name in ("pdf", "word"):
        told = WRITERS[name].write([listening()], []).problems
        assert any("sound" in problem.message for problem in told), name
