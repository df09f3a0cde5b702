"""The item bank's pages: what writers and reviewers can do, and that nothing typed is lost."""

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from io import BytesIO
from zipfile import ZipFile

import pytest
from staff_browser import Browser
from staff_items import bring, choice_item, cluster_item, grant_subjects, move_on, number_item
from staff_world import ROOT, World

from exam_server.items import history, keeping
from exam_server.items.models import Act, ItemCard
from exam_server.web.visit import LANGUAGE_COOKIE
from question_bank.interchange.formats import WRITERS
from question_bank.item import Media
from question_bank.lifecycle import Action, State
from tests.interaction_items import slider

pytestmark = pytest.mark.slow
WORD = ROOT / "fixtures/word"
SignIn = Callable[[str], Browser]


@pytest.fixture(scope="module", autouse=True)
def granted(world: World) -> None:
    grant_subjects(world)


def _opened(world: World, item: str) -> keeping.Opened:
    with world.server.reading() as session:
        card = session.get_one(ItemCard, item)
        return keeping.read(session, card, sealing=world.server.sealing)


def _fields(text: str) -> dict[str, str]:
    """What the form of an edit page holds, as a browser would send it."""
    found = {}
    for name, value in re.findall(
        r'<textarea[^>]* name="([\w.]+)"[^>]*>(.*?)</textarea>', text, re.S
    ):
        found[name] = unescape(value)
    for tag in re.findall(r"<input[^>]*>", text):
        name, value = (re.search(rf'{key}="([^"]*)"', tag) for key in ("name", "value"))
        if name and value and ("checked" in tag or 'type="text"' in tag or "hidden" in tag):
            found[name[1]] = unescape(value[1])
    for name, options in re.findall(
        r'<select[^>]* name="([\w.]+)"[^>]*>(.*?)</select>', text, re.S
    ):
        chosen = re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)', options)
        found[name] = unescape(chosen[1] or chosen[2]) if chosen else ""
    return found


def test_an_untouched_form_changes_nothing(world: World, signed_in: SignIn) -> None:
    browser = signed_in("rade")
    for made in (choice_item("u1"), cluster_item("u2"), number_item("u3")):
        item = bring(world, "rade", made)
        before = _opened(world, item)
        path = f"/bank/items/{item}/edit"
        answer = browser.post(path, page=path, **_fields(browser.get(path).text))
        assert answer.headers["location"].endswith("done=item_unchanged"), made.id
        assert _opened(world, item).mark == before.mark


def test_a_writer_edits_every_field(world: World, signed_in: SignIn) -> None:
    browser, item = signed_in("rade"), bring(world, "rade", choice_item("e1"))
    path = f"/bank/items/{item}/edit"
    fields = _fields(browser.get(path).text)
    fields |= {"stem": "Giá trị $a<b$ & <b>lớn</b> nhất", "right": "2", "points": "0,5"}
    fields |= {"option_1": "", "option_4": "$\\sqrt{2}$", "topic": "Mũ", "level": "C"}
    assert browser.post(path, page=path, **fields).status_code == 303
    kept = _opened(world, item).item
    assert kept.stem.endswith("&amp; <b>lớn</b> nhất") and 'alttext="a&lt;b"' in kept.stem
    assert [option.id for option in kept.interaction.options] == ["A", "C", "D", "E"]  # type: ignore[union-attr]
    assert kept.key.options == ("C",)  # type: ignore[union-attr]
    assert str(kept.points) == "0.5"
    assert (kept.metadata.topic, kept.metadata.level) == ("Mũ", "C")


def test_faults_stand_beside_their_fields_and_nothing_typed_is_lost(
    world: World, signed_in: SignIn
) -> None:
    browser, item = signed_in("rade"), bring(world, "rade", choice_item("f1"))
    before, path = _opened(world, item), f"/bank/items/{item}/edit"
    fields = _fields(browser.get(path).text)
    fields |= {"stem": "Sai $\\frac{1$ rồi", "points": "nhiều", "option_0": "Đã sửa phương án"}
    answer = browser.post(path, page=path, **fields)
    assert answer.status_code == 422
    for name in ("stem", "points"):
        assert f'id="{name}-error"' in answer.text
    assert 'id="topic-error"' not in answer.text
    shown = _fields(answer.text)
    assert {name: shown[name] for name in ("stem", "points", "option_0")} == {
        name: fields[name] for name in ("stem", "points", "option_0")
    }
    assert _opened(world, item).mark == before.mark


def test_what_another_changed_meanwhile_is_not_overwritten(world: World, signed_in: SignIn) -> None:
    item = bring(world, "rade", choice_item("m1"))
    path = f"/bank/items/{item}/edit"
    first, second = signed_in("rade"), signed_in("rade2")
    mine = _fields(first.get(path).text) | {"stem": "Bản của tôi"}
    theirs = _fields(second.get(path).text) | {"stem": "Bản của bạn"}
    mine.pop("csrf"), theirs.pop("csrf")
    assert second.post(path, page=path, **theirs).status_code == 303
    answer = first.post(path, page=path, **mine)
    assert answer.status_code == 422 and "Bản của tôi" in answer.text
    assert "Có người vừa thay đổi" in answer.text
    assert _opened(world, item).item.stem == "Bản của bạn"


def test_new_items_of_every_kind(world: World, signed_in: SignIn) -> None:
    browser = signed_in("rade")
    for kind in ("single", "multiple", "tf_cluster", "numeric"):
        path = f"/bank/new?kind={kind}"
        fields = _fields(browser.get(path).text) | {"stem": f"Câu {kind}", "subject": "Toán"}
        refused = browser.post(path, page=path, **{**fields, "stem": ""})
        assert refused.status_code == 422, kind
        if kind != "numeric":
            fields |= {f"option_{row}": f"Ý {row}" for row in range(4)}
        answer = browser.post(path, page=path, **fields)
        assert answer.status_code == 303, kind
        item = answer.headers["location"].partition("?")[0].rpartition("/")[2]
        assert _opened(world, item).item.kind == kind


def test_a_file_is_read_and_its_problems_stand_beside(world: World, signed_in: SignIn) -> None:
    browser = signed_in("rade")
    data = (WORD / "changes-and-notes.docx").read_bytes()
    answer = browser.post(
        "/bank/imports", page="/bank/imports", subject="Toán",
        files={"file": ("changes-and-notes.docx", data)},
    )  # fmt: skip
    assert answer.status_code == 303
    path = answer.headers["location"]
    text = browser.get(path).text
    assert text.count('name="item"') == 2 and "Xem lại" in text
    nothing = browser.post(path, page=path, act="chosen")
    assert nothing.status_code == 422
    assert browser.post(path, page=path, act="chosen", item="1").status_code == 303
    again = browser.get(path).text
    assert again.count('name="item"') == 1 and again.count("Đã lấy thành bản nháp") == 1
    assert browser.post(path, page=path, act="all").status_code == 303
    assert browser.post(path, page=path, act="all").status_code == 422, "each is taken once"
    assert signed_in("rade2").get(path).status_code == 404, "another's import"


def test_what_was_taken_is_a_link_on_the_page_of_its_file(world: World, signed_in: SignIn) -> None:
    """Else it could be read there, unnoted, when it is secret."""
    browser = signed_in("rade")
    file = (
        "hai-cau.gift",
        b"::g1:: Cau sap thanh mat {=dung ~sai}\n\n::g2:: Cau de lai {=dung ~sai}",
    )
    answer = browser.post(
        "/bank/imports", page="/bank/imports", subject="Toán", files={"file": file}
    )
    path = answer.headers["location"]
    assert "Cau sap thanh mat" in browser.get(path).text
    assert browser.post(path, page=path, act="chosen", item="0").status_code == 303
    text = browser.get(path).text
    assert "Cau sap thanh mat" not in text and "Cau de lai" in text
    link = re.search(r'href="(/bank/items/[0-9a-f]{32})">', text)
    assert link and "Cau sap thanh mat" in browser.get(link[1]).text
    assert browser.get(f"{path}/alike/0?with=1").status_code == 404
    assert browser.get(f"{path}/alike/1?with=0").status_code == 404


def test_a_secret_item_is_opened_by_two_persons(world: World, signed_in: SignIn) -> None:
    hidden = replace(number_item("mat-2"), stem="Câu sẽ được giải mật")
    path = f"/bank/items/{bring(world, 'rade', hidden, secret=True)}"
    reviewer, office, other = (signed_in(one) for one in ("phanbien", "hoidong", "rade2"))
    assert "Gửi yêu cầu giải mật" in reviewer.get(path).text
    asking = {"secret": "false", "page": path}
    assert reviewer.post(f"{path}/secrecy", secrecy="", **asking).status_code == 422
    asked = reviewer.post(f"{path}/secrecy", secrecy="đã thi xong", **asking)
    assert asked.headers["location"].startswith("/bank/exports")
    assert other.get(path).status_code == 404
    listed = reviewer.get("/bank/exports").text
    assert "đã thi xong" in listed and 'value="take"' not in listed
    wish = re.search(r"/bank/exports/[0-9a-f]{32}", office.get("/bank/exports").text)
    assert (
        wish
        and wish[0] not in listed
        and wish[0] not in signed_in("rade").get("/bank/exports").text
    )
    assert reviewer.post(wish[0], page="/bank", act="grant").status_code == 409
    assert office.post(wish[0], page="/bank", act="grant").status_code == 303
    assert "Câu sẽ được giải mật" in other.get(path).text
    assert 'value="take"' not in reviewer.get("/bank/exports").text
    assert "Giải mật câu hỏi" in other.get(path).text


def test_the_template_of_the_import_page_comes_back_as_items(signed_in: SignIn) -> None:
    browser = signed_in("rade")
    assert 'href="/bank/template"' in browser.get("/bank/imports").text
    blank = browser.get("/bank/template")
    assert blank.headers["content-disposition"].endswith('.xlsx"')
    answer = browser.post(
        "/bank/imports", page="/bank/imports", subject="Toán",
        files={"file": ("mau.xlsx", blank.content)},
    )  # fmt: skip
    assert browser.get(answer.headers["location"]).text.count('name="item"') == 8


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.docx", b"PK\x03\x04 no zip"),
        ("x.pdf", b"%PDF-1.7"),
        ("x.xml", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
        ("../../x.tex", b"\\begin{ex"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(signed_in: SignIn, name: str, data: bytes) -> None:
    browser = signed_in("rade")
    answer = browser.post(
        "/bank/imports", page="/bank/imports", subject="Toán", files={"file": (name, data)}
    )
    if answer.status_code == 303:
        assert 'name="item"' not in browser.get(answer.headers["location"]).text
    else:
        assert answer.status_code == 422 and "Không đọc được tệp này." in answer.text
        assert "Traceback" not in answer.text and "root:" not in answer.text


def test_another_subject_is_refused_for_imports_and_new_items(
    world: World, signed_in: SignIn
) -> None:
    browser = signed_in("rade2")
    data = (WORD / "marked-options.docx").read_bytes()
    answer = browser.post(
        "/bank/imports", page="/bank/imports", subject="Vật lí",
        files={"file": ("marked-options.docx", data)},
    )  # fmt: skip
    assert answer.status_code == 422
    assert "không nằm trong các môn được giao" in answer.text


def test_a_review_by_another_person(world: World, signed_in: SignIn) -> None:
    item = bring(world, "rade", cluster_item("r1"))
    path = f"/bank/items/{item}"
    writer, reviewer = signed_in("rade"), signed_in("phanbien")
    mark = _opened(world, item).mark
    step = f"{path}/step"
    assert writer.post(step, page=path, action="submit", mark=mark).status_code == 303
    assert 'value="approve"' not in writer.get(path).text
    refused = writer.post(step, page=path, action="approve", mark=mark)
    assert refused.status_code == 422 and _opened(world, item).state is State.REVIEW
    without = reviewer.post(step, page=path, action="return", mark=mark, note="")
    assert without.status_code == 422 and "Cần ghi lý do" in without.text
    noted = {"action": "return", "mark": mark, "note": "Ý c chưa rõ"}
    assert reviewer.post(step, page=path, **noted).status_code == 303
    assert "Ý c chưa rõ" in writer.get(path).text
    assert writer.post(step, page=path, action="submit", mark=mark).status_code == 303
    assert reviewer.post(step, page=path, action="approve", mark=mark).status_code == 303
    assert _opened(world, item).state is State.APPROVED


def test_a_step_that_came_too_late_is_said_in_the_words_of_the_bank(
    world: World, signed_in: SignIn
) -> None:
    item = bring(world, "rade", choice_item("l1"))
    move_on(world, "rade", item, Action.SUBMIT)
    path, mark = f"/bank/items/{item}", _opened(world, item).mark
    reviewer = signed_in("phanbien")
    reviewer.get(path)
    move_on(world, "rade", item, Action.WITHDRAW)
    answer = reviewer.post(f"{path}/step", page="/bank", action="approve", mark=mark)
    assert answer.status_code == 422
    assert "Câu hỏi đã sang trạng thái khác" in answer.text
    assert "không nhận thí sinh" not in answer.text


def test_a_diff_marks_the_words(world: World, signed_in: SignIn) -> None:
    item = bring(world, "rade", choice_item("d1"))
    move_on(world, "rade", item, Action.SUBMIT)
    move_on(world, "phanbien", item, Action.APPROVE)
    browser, path = signed_in("rade"), f"/bank/items/{item}/edit"
    fields = _fields(browser.get(path).text)
    fields["stem"] = fields["stem"].replace("nghịch biến", "đồng biến")
    assert browser.post(path, page=path, **fields).status_code == 303
    text = browser.get(f"/bank/items/{item}/changes?from=1&to=2").text
    assert re.search(r"<del>.*nghịch</del>", text) and re.search(r"<ins>.*đồng</ins>", text)
    assert text.count("<del>") == 1


def test_a_secret_item_is_shown_noted_and_leaves_by_two_persons(
    world: World, signed_in: SignIn
) -> None:
    hidden = replace(number_item("mat-1"), stem="Đáp số của câu tuyệt mật")
    item = bring(world, "rade", hidden, secret=True)
    path = f"/bank/items/{item}"
    writer, reviewer, other = (signed_in(one) for one in ("rade", "phanbien", "rade2"))
    assert other.get(path).status_code == 404
    assert "mat-1" not in other.get("/bank?q=mat").text
    found = reviewer.get("/bank?q=tuyet+mat").text
    assert "mat-1" in found and "của câu tuyệt" not in found
    assert "Xem câu mật" in reviewer.get(path).text
    assert writer.post(f"{path}/export", page=path, export="").status_code == 422
    assert writer.post(f"{path}/export", page=path, export="In đề").status_code == 303
    wish = re.search(r"/bank/exports/([0-9a-f]{32})", reviewer.get("/bank/exports").text)
    assert wish is not None
    target = wish[0]
    assert writer.post(target, page="/bank", act="grant").status_code == 409
    assert reviewer.post(target, page="/bank", act="grant").status_code == 303
    assert reviewer.post(target, page="/bank", act="take").status_code == 403
    taken = writer.post(target, page="/bank", act="take")
    assert any(one.endswith(".xml") for one in ZipFile(BytesIO(taken.content)).namelist())
    assert writer.post(target, page="/bank", act="take").status_code == 409


def test_an_item_leaves_in_the_format_that_is_chosen(world: World, signed_in: SignIn) -> None:
    """What the format does not carry is told in a file beside it, in the reader's language."""
    path = f"/bank/items/{bring(world, 'rade', cluster_item('ra-1'))}"
    writer = signed_in("rade")
    assert 'value="moodle"' in writer.get(path).text
    printed = writer.post(f"{path}/export", page=path, format="pdf")
    assert printed.headers["content-type"] == "application/pdf"
    assert printed.content.startswith(b"%PDF-")
    assert 'filename="ra-1.pdf"' in printed.headers["content-disposition"]
    packed = ZipFile(BytesIO(writer.post(f"{path}/export", page=path, format="moodle").content))
    assert set(packed.namelist()) == {"ra-1.xml", "khong-xuat-duoc.txt"}
    notes = packed.read("khong-xuat-duoc.txt").decode("utf-8-sig")
    assert notes == (
        "cách chấm: ra-1: Moodle cho mỗi ý số điểm như nhau, không theo cách chấm "
        "điểm theo số ý đúng\n"
    )
    assert writer.post(f"{path}/export", page=path, format="doc").status_code == 409


def test_content_of_an_item_runs_nothing(world: World, signed_in: SignIn) -> None:
    evil = replace(
        choice_item("evil"), stem='Cho <script>alert(1)</script><img src="x" onerror="y"/> hết'
    )
    item = bring(world, "rade", evil)
    for path in (f"/bank/items/{item}", "/bank?q=evil", f"/bank/items/{item}/edit"):
        text = signed_in("rade").get(path).text
        shown = re.sub(r"<textarea.*?</textarea>", "", text, flags=re.S)
        assert "onerror" not in shown and "<img" not in shown
        assert not re.search(r"<script(?! src=)", text) and " style=" not in text


def test_people_without_a_subject_see_nothing(world: World, signed_in: SignIn) -> None:
    item = bring(world, "rade", choice_item("n1"))
    assert signed_in("giamthi1").get("/bank").status_code == 403
    assert signed_in("giamthi1").get(f"/bank/items/{item}").status_code == 403


def test_many_items_are_worked_on_from_the_list_and_taken_back(
    world: World, signed_in: SignIn
) -> None:
    browser = signed_in("rade")
    items = [bring(world, "rade", choice_item(f"loat-{number}")) for number in range(3)]
    search = "/bank/jobs?q=loat"
    answer = browser.post(search, page="/bank", task="tag", put_tag="Đợt 1", scope="all")
    assert answer.status_code == 303
    job = answer.headers["location"]
    text = browser.get(job).text
    assert "Đã xử lý xong 3 câu" in text and "http-equiv" not in text
    assert browser.get("/bank?tag=%C4%90%E1%BB%A3t+1").text.count('name="item"') == 3
    one = browser.post("/bank/jobs", page="/bank", task="submit", item=items[0])
    assert one.status_code == 303
    assert [_opened(world, item).state for item in items] == [
        State.REVIEW, State.DRAFT, State.DRAFT,
    ]  # fmt: skip
    assert browser.post("/bank/jobs", page="/bank", task="submit").status_code == 409
    assert signed_in("rade2").get(job).status_code == 404
    assert browser.post(one.headers["location"], page="/bank", act="undo").status_code == 303
    assert _opened(world, items[0]).state is State.DRAFT


def test_a_picture_of_a_secret_item_that_is_asked_for_alone_is_noted_too(
    world: World, signed_in: SignIn
) -> None:
    media = Media("hinh", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    pictured = replace(
        choice_item("mat-2"), stem='Xem hình <img src="media:hinh"/>', media=(media,)
    )
    item = bring(world, "rade", pictured, secret=True)
    path = f"/bank/items/{item}/media/1/hinh"
    assert signed_in("rade2").get(path).status_code == 404
    answer = signed_in("phanbien").get(path)
    assert answer.content == media.data and "sandbox" in answer.headers["content-security-policy"]
    for _ in range(2):
        assert signed_in("phanbien").get(path).status_code == 200
    with world.server.reading() as session:
        card = session.get_one(ItemCard, item)
        events = history.history(session, card, sealing=world.server.sealing)
    assert [event.act for event in events] == [Act.SEEN, Act.CREATED]
    assert (
        f"/bank/items/{item}/media/1/hinh" in signed_in("phanbien").get(f"/bank/items/{item}").text
    )


SOUND = ROOT / "fixtures/sound"
MAP = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200" viewBox="0 0 300 200">'
    b'<rect width="300" height="200" fill="#9bd"/></svg>'
)


def _new(browser: Browser, kind: str, files: object, **typed: str) -> str:
    """The id of a new item of that kind."""
    path = f"/bank/new?kind={kind}"
    fields = _fields(browser.get(path).text) | {"stem": "Hỏi gì?", "subject": "Toán"} | typed
    answer = browser.post(path, page=path, files=files, **fields)
    assert answer.status_code == 303, re.findall(r'field-error"[^>]*>([^<]*)', answer.text)
    return answer.headers["location"].partition("?")[0].rpartition("/")[2]


@pytest.mark.parametrize("name", ["tones.mp3", "tones.opus.ogg", "tones.wav"])
def test_a_sound_is_put_into_an_item_and_is_heard(
    world: World, signed_in: SignIn, name: str
) -> None:
    browser, data = signed_in("rade"), (SOUND / name).read_bytes()
    item = _new(
        browser, "gap", {"file": (name, data)}, accepted="ba", file_title="Ba âm", file_plays="2"
    )
    kept = _opened(world, item).item
    (media,) = kept.media
    assert media.data == data
    assert kept.stem == f'Hỏi gì?<audio data-plays="2" src="media:{media.id}" title="Ba âm"/>'
    page = browser.get(f"/bank/items/{item}").text
    address = re.search(r'<audio controls="controls"[^>]* src="([^"]*)"', page)
    assert address and "tối đa 2 lần" in page
    heard = browser.get(address[1])
    assert (heard.content, heard.headers["content-type"]) == (data, media.mime)
    path = f"/bank/items/{item}/edit"
    answer = browser.post(path, page=path, **_fields(browser.get(path).text))
    assert answer.headers["location"].endswith("done=item_unchanged")


def test_a_picture_is_put_into_an_item_and_answered_on(world: World, signed_in: SignIn) -> None:
    browser = signed_in("rade")
    item = _new(
        browser, "hotspot", {"file": ("ban-do.svg", MAP)},
        shape_0="circle", coords_0="150, 100, 40", right_0="true", alt="Bản đồ",
    )  # fmt: skip
    asked = _opened(world, item).item.interaction
    assert (asked.picture.width, asked.picture.height) == (300, 200)  # type: ignore[union-attr]
    assert asked.areas[0].shape.coords == (150, 100, 40)  # type: ignore[union-attr]
    path = f"/bank/items/{item}/edit"
    page = browser.get(path).text
    assert '<circle cx="150" cy="100" r="40"/>' in page and "data-coordinates" in page
    answer = browser.post(path, page=path, **_fields(page))
    assert answer.headers["location"].endswith("done=item_unchanged")
    # A picture into the stem as well: the other one stays.
    fields = _fields(page) | {"file_place": "stem", "file_title": "Hình 2"}
    other = MAP.replace(b"#9bd", b"#d9b")
    assert browser.post(path, page=path, files={"file": ("h.svg", other)}, **fields).is_redirect
    kept = _opened(world, item).item
    assert len(kept.media) == 2 and '<img alt="Hình 2" src="media:' in kept.stem


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("x.mp3", b"ID3" + bytes(500), "không giải mã được"),
        ("x.m4a", b"\0\0\0\x20ftypM4A " + bytes(99), "AAC"),
        ("x.svg", MAP.replace(b"<rect", b"<script/><rect"), "script"),
        ("x.exe", b"MZ" + bytes(99), "không phải PNG"),
    ],
)
def test_a_hostile_file_is_refused_by_name(
    signed_in: SignIn, name: str, data: bytes, why: str
) -> None:
    browser, path = signed_in("rade"), "/bank/new?kind=gap"
    fields = _fields(browser.get(path).text) | {"stem": "Hỏi?", "subject": "Toán", "accepted": "a"}
    answer = browser.post(path, page=path, files={"file": (name, data)}, **fields)
    assert answer.status_code == 422
    told = unescape(re.search(r'id="file-error">(.*?)</p>', answer.text, re.S)[1])  # type: ignore[index]
    assert name in told and why in told
    assert _fields(answer.text)["accepted"] == "a"


def test_a_picture_that_is_answered_on_is_needed_and_is_a_picture(signed_in: SignIn) -> None:
    browser, path = signed_in("rade"), "/bank/new?kind=hotspot"
    fields = _fields(browser.get(path).text) | {"stem": "Hỏi?", "subject": "Toán"}
    fields["right_0"] = "true"
    missing = browser.post(path, page=path, **fields)
    assert missing.status_code == 422 and 'id="file-error"' in missing.text
    sound = {"file": ("a.mp3", (SOUND / "tones.mp3").read_bytes())}
    wrong = browser.post(path, page=path, files=sound, **fields)
    assert wrong.status_code == 422 and "không phải là hình" in wrong.text


def test_an_item_is_looked_at_before_it_is_kept(world: World, signed_in: SignIn) -> None:
    item = bring(world, "rade", choice_item("look1"))
    browser, path = signed_in("rade"), f"/bank/items/{item}/edit"
    before = _opened(world, item).mark
    fields = _fields(browser.get(path).text) | {"stem": "Xem $x^2$ thử", "act": "preview"}
    answer = browser.post(path, page=path, **fields)
    assert answer.status_code == 200 and "Như thí sinh thấy" in answer.text
    assert 'aria-label="x^2"' in answer.text and _opened(world, item).mark == before
    assert _fields(answer.text)["stem"] == "Xem $x^2$ thử"


@pytest.mark.parametrize(
    ("name", "data", "begins"),
    [
        ("h.svg", MAP, "data:image/svg+xml;base64,"),
        ("a.mp3", (SOUND / "tones.mp3").read_bytes(), "data:audio/mpeg;base64,"),
    ],
)
def test_what_was_sent_along_is_seen_before_it_is_kept(
    signed_in: SignIn, name: str, data: bytes, begins: str
) -> None:
    browser, path = signed_in("rade"), "/bank/new?kind=gap"
    fields = _fields(browser.get(path).text) | {"stem": "Hỏi?", "subject": "Toán", "accepted": "a"}
    fields |= {"act": "preview", "title": "Hình"}
    answer = browser.post(path, page=path, files={"file": (name, data)}, **fields)
    assert answer.status_code == 200
    sent = unescape(re.search(rf'src="({re.escape(begins)}[^"]+)"', answer.text)[1])  # type: ignore[index]
    assert len(b64decode(sent.removeprefix(begins))) > 50
    assert "/media/" not in answer.text
    assert "img-src 'self' data:" in answer.headers["content-security-policy"]
    assert "data:" not in browser.get(path).headers["content-security-policy"]


def test_the_chosen_items_are_exported_as_one_file(world: World, signed_in: SignIn) -> None:
    browser = signed_in("rade")
    item, secret = (
        bring(world, "rade", choice_item(name), secret=hidden)
        for name, hidden in (("xuat-1", False), ("xuat-mat", True))
    )
    sliding = replace(slider(), id="xuat-truot", metadata=number_item().metadata)
    slide = bring(world, "rade", sliding)
    page = browser.get("/bank?q=xuat").text
    for name in WRITERS:
        assert f'<option value="{name}">' in page
    search = "/bank/jobs?q=xuat"
    begun = browser.post(search, page="/bank", task="export", format="moodle", scope="all")
    job = begun.headers["location"]
    text = unescape(browser.get(job).text)
    assert "Tệp XML cho Moodle" in text and "Tải về 1 câu" in text
    assert "xuat-mat" in text and "chỉ được xuất khi có người thứ hai đồng ý" in text
    assert "xuat-truot" in text and "Định dạng này không chứa được câu hỏi này" in text
    assert "Hoàn tác được đến" not in text
    assert signed_in("phanbien").post(job, page="/bank", act="take").status_code == 404
    answer = browser.post(job, page="/bank", act="take")
    assert answer.status_code == 200
    with ZipFile(BytesIO(answer.content)) as archive:
        file, notes = sorted(archive.namelist())
        told = archive.read(notes).decode("utf-8-sig")
        data = archive.read(file)
    assert file.endswith(".xml") and b"xuat-1" in data and b"xuat-mat" not in data
    assert "xuat-mat: Đây là câu mật" in told and "xuat-truot: " in told
    again = browser.post(job, page="/bank", act="take")
    assert again.status_code == 404
    assert "Tệp đã được tải về" in browser.get(job).text
    log = signed_in("hoidong").get("/audit").text
    assert "Tải về tệp gồm nhiều câu hỏi" in log
    for one, acts in ((item, [Act.EXPORTED, Act.CREATED]), (secret, [Act.CREATED]),
                      (slide, [Act.CREATED])):  # fmt: skip
        with world.server.reading() as session:
            card = session.get_one(ItemCard, one)
            events = history.history(session, card, sealing=world.server.sealing)
        assert [event.act for event in events] == acts
    browser.client.cookies.set(LANGUAGE_COOKIE, "en", domain="exam.test", path="/")
    one = browser.post("/bank/jobs", page="/bank", task="export", format="qti3", item=item)
    text = browser.get(one.headers["location"]).text
    assert "QTI 3.0 package" in text and "The format carries all of these items." in text
    answer = browser.post(one.headers["location"], page="/bank", act="take")
    with ZipFile(BytesIO(answer.content)) as archive:
        assert "items/xuat-1.xml" in archive.namelist()
    for wrong, status in (({"format": "doc"}, 409), ({}, 409)):
        fields = {"task": "export", "item": item} | wrong
        assert browser.post("/bank/jobs", page="/bank", **fields).status_code == status
