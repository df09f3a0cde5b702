"""Near-duplicates on the pages: of an item, of what a file brings, and of the whole bank."""

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import pytest
import sqlalchemy as sa
from httpx import Response
from staff_browser import Browser
from staff_items import MATHS, bring, choice_item, grant_subjects, number_item
from staff_world import World

from exam_server.items import history, importing, life
from exam_server.items.models import Act, ItemCard
from exam_server.items.models import Item as StoredItem
from exam_server.items.reading_apart import Reading
from question_bank.item import ChoiceKey, Item, SingleChoice
from question_bank.lifecycle import State
from question_bank.writing import content_from

SignIn = Callable[[str], Browser]


@pytest.fixture(scope="module", autouse=True)
def granted(world: World) -> None:
    grant_subjects(world)


def _turned(item: Item, name: str, right: str = "D") -> Item:
    """The same with its options the other way round; A becomes D."""
    assert isinstance(item.interaction, SingleChoice)
    options = item.interaction.options
    turned = tuple(replace(one, id=i.id) for one, i in zip(options[::-1], options, strict=True))
    return replace(
        item, id=name, interaction=SingleChoice(turned), key=ChoiceKey((right,))
    )  # fmt: skip


def _renumbered(item: Item, name: str) -> Item:
    stem = content_from(r"Cho hàm số $y=\frac{1}{3}x^3-x^2+7$. Hàm số nghịch biến trên khoảng nào?")
    return replace(item, id=name, stem=stem)


def _words(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def _brought(world: World, *items: Item, who: str = "rade") -> str:
    with world.server.transaction() as session:
        return importing.keep(
            session, world.officer(who), Reading(items, (), {}), file="de.docx", subject=MATHS,
            secret=False, sealing=world.server.sealing, now=world.server.now(),
        )  # fmt: skip


def _seen(world: World, item: str) -> int:
    with world.server.reading() as session:
        card = session.get_one(ItemCard, item)
        told = history.history(session, card, sealing=world.server.sealing)
        return sum(event.act is Act.SEEN for event in told)


def test_an_items_page_leads_to_what_is_like_it_and_why(world: World, signed_in: SignIn) -> None:
    item = bring(world, "rade", choice_item("goc-a"))
    turned = bring(world, "rade", _turned(choice_item(), "dao-a", right="A"))
    other = bring(world, "rade", number_item("rieng-a"))
    browser = signed_in("rade")
    assert f"/bank/items/{item}/alike" in browser.get(f"/bank/items/{item}").text
    text = browser.get(f"/bank/items/{item}/alike").text
    assert f"/bank/items/{turned}" in text and f"/bank/items/{other}" not in text
    told = _words(text)
    assert "Đảo phương án" in told and "Đáp án khác nhau" in told
    assert "Các phương án đứng theo thứ tự khác." in told
    lonely = _words(browser.get(f"/bank/items/{other}/alike").text)
    assert "Không tìm thấy câu nào giống câu này." in lonely
    beside = browser.get(f"/bank/items/{item}/alike/{turned}").text
    assert "goc-a" in beside and "dao-a" in beside and "Đáp án khác nhau" in _words(beside)
    unlike = _words(browser.get(f"/bank/items/{item}/alike/{other}").text)
    assert "Hai câu này hỏi hai điều khác nhau." in unlike


def test_a_file_is_compared_before_anything_is_taken(world: World, signed_in: SignIn) -> None:
    kept = bring(world, "rade", choice_item("goc-b"))
    fresh = replace(number_item("la"), stem=content_from("Tính diện tích mảnh vườn hình thang này"))
    again = replace(fresh, id="la-2")
    brought = _brought(world, _renumbered(choice_item(), "so-b"), fresh, again)
    browser = signed_in("rade")
    page = f"/bank/imports/{brought}"
    text = browser.get(page).text
    assert "2 câu giống câu đã có" in text
    assert f"/bank/imports/{brought}/alike/0?item={kept}" in text
    assert f"/bank/imports/{brought}/alike/2?with=1" in text and "/alike/1?" not in text
    told = _words(browser.get(f"{page}/alike/0?item={kept}").text)
    assert "Thay số" in told and "từ goc-b sang so-b" in told
    assert "Trùng hoàn toàn" in _words(browser.get(f"{page}/alike/2?with=1").text)
    for wrong in ("0", "0?item=x", "0?with=99", "9?with=0", "0?with=x"):
        assert browser.get(f"{page}/alike/{wrong}").status_code == 404, wrong
    taken = browser.post(page, page=page, act="unlike")
    assert taken.status_code == 303
    after = browser.get(page).text
    assert after.count("Đã lấy thành bản nháp") == 1 and "alike/0?item=" in after
    assert browser.post(page, page=page, act="all").status_code == 303, "copies can be taken, too"
    assert "Đã lấy thành bản nháp" in browser.get(page).text


def test_the_whole_bank_in_groups(world: World, signed_in: SignIn) -> None:
    copies = (_turned(choice_item(), "dao-c"), _renumbered(choice_item(), "so-c"))
    made = [bring(world, "rade", one) for one in (choice_item("goc-c"), *copies)]
    browser = signed_in("rade2")
    assert "/bank/duplicates" in browser.get("/bank").text
    text = browser.get("/bank/duplicates").text
    told = _words(text)
    assert "Hỏi cùng một điều" in told and "Cùng khuôn câu, chỉ khác số" in told
    assert all(f"/bank/items/{one}/alike" in text for one in made)
    english = signed_in("phanbien")
    assert "Ask" not in told and english.get("/bank/duplicates").status_code == 200


def test_of_a_secret_item_nobody_else_learns_anything(world: World, signed_in: SignIn) -> None:
    base = replace(
        number_item("mat-d"),
        stem=content_from("Khối lượng riêng của hợp kim bí ẩn ấy là bao nhiêu"),
    )
    secret = bring(world, "rade", base, secret=True)
    copy = bring(world, "rade2", replace(base, id="ban-sao-d"))
    outsider = signed_in("rade2")
    for path in (f"/bank/items/{copy}/alike", "/bank/duplicates"):
        assert "mat-d" not in outsider.get(path).text, path
    assert outsider.get(f"/bank/items/{copy}/alike/{secret}").status_code == 404
    brought = _brought(world, replace(base, id="nhap-d"), who="rade2")
    page = outsider.get(f"/bank/imports/{brought}").text
    assert "mat-d" not in page and "ban-sao-d" in page
    assert outsider.get(f"/bank/imports/{brought}/alike/0?item={secret}").status_code == 404
    assert _seen(world, secret) == 0

    insider = signed_in("rade")
    told = _words(insider.get(f"/bank/items/{copy}/alike").text)
    assert "mat-d" in told and "Trùng hoàn toàn" in told
    assert "Nội dung chỉ hiện khi mở câu" in told
    assert _seen(world, secret) == 0, "that it is like another is told; its words are not"
    assert insider.get(f"/bank/items/{copy}/alike/{secret}").status_code == 200
    assert _seen(world, secret) == 1


def test_a_file_of_many_items_is_drawn_page_by_page(
    world: World, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PAGE", 2)
    fresh = replace(number_item("tr-1"), stem=content_from("Một bể nước chứa được bao nhiêu lít"))
    other = replace(number_item("tr-2"), stem=content_from("Độ dài đường chéo khối lập phương"))
    brought = _brought(world, fresh, other, replace(fresh, id="tr-3"))
    browser, path = signed_in("rade"), f"/bank/imports/{brought}"
    first, last = browser.get(path).text, browser.get(f"{path}?page=2").text
    assert "tr-1" in first and "tr-2" in first and "tr-3" not in first
    assert 'href="?page=2"' in first and "Trang 2 trên 2" in last
    assert f'href="{path}?page=1#item-0"' in last and f"{path}/alike/2?with=0" in last
    assert "?page=7" not in browser.get(f"{path}?page=7").text
    taken = browser.post(f"{path}?page=2", page=f"{path}?page=2", item="2")
    assert taken.headers["location"] == f"{path}?page=2&done=items_taken"
    assert "Đã lấy thành bản nháp" in browser.get(f"{path}?page=2").text
    assert "Đã lấy thành bản nháp" not in browser.get(path).text


def test_what_was_taken_of_a_wrong_file_is_discarded_together(
    world: World, signed_in: SignIn
) -> None:
    stems = ("Giá trị lớn nhất của hàm", "Thể tích khối chóp đều là")
    items = [
        replace(number_item(f"bo-{place}"), stem=content_from(stem))
        for place, stem in enumerate(stems)
    ]
    brought = _brought(world, *items)
    browser, path = signed_in("rade"), f"/bank/imports/{brought}"
    assert "Bỏ 2 bản nháp" not in browser.get(path).text
    browser.post(path, page=path, act="all")
    assert "Bỏ 2 bản nháp đã lấy từ tệp này" in browser.get(path).text
    answer = browser.post(path, page=path, act="discard")
    assert answer.headers["location"].startswith("/bank/jobs/")
    assert "Bỏ bản nháp" in browser.get(answer.headers["location"]).text
    with world.server.reading() as session:
        named = sa.select(StoredItem.id).where(StoredItem.name.in_(["bo-0", "bo-1"]))  # type: ignore[attr-defined]
        cards = session.scalars(sa.select(ItemCard).where(ItemCard.item_id.in_(named))).all()  # type: ignore[attr-defined]
        assert {card.state for card in cards} == {State.DISCARDED} and len(cards) == 2
    assert "bo-0" not in browser.get("/bank?text=kh%E1%BB%91i+ch%C3%B3p").text
    item_page = browser.get(f"/bank/items/{cards[0].item_id}").text
    assert "Khôi phục" in item_page and "Bản nháp đã bỏ" in item_page
    again = _brought(world, *items)
    assert "giống câu đã có" not in browser.get(f"/bank/imports/{again}").text
    assert browser.post(path, page=path, act="discard").status_code != 303


def test_what_stands_is_retired_from_its_own_page(world: World, signed_in: SignIn) -> None:
    item = bring(world, "rade", replace(number_item("dung-1"), stem=content_from("Tốc độ gió")))
    browser, path = signed_in("rade"), f"/bank/items/{item}"
    other = signed_in("phanbien")
    _posted(browser, path, "submit")
    _posted(other, path, "approve")
    with world.server.transaction() as session:
        opened = life.look(
            session, world.officer("rade"), item, sealing=world.server.sealing,
            now=world.server.now(),
        )  # fmt: skip
        life.save(
            session, world.officer("rade"), item,
            replace(opened.item, stem=content_from("Tốc độ gió mới")), mark=opened.mark,
            sealing=world.server.sealing, now=world.server.now(),
        )  # fmt: skip
    draft = other.get(path).text
    assert f'href="{path}?version=1"' in draft and 'value="retire"' not in draft
    assert 'value="retire"' in other.get(f"{path}?version=1").text
    assert _posted(other, f"{path}?version=1", "retire", note="Lộ đề").status_code == 303
    listed = other.get("/bank?state=retired").text
    assert "dung-1" in listed and "Đã loại" in listed


def _posted(browser: Browser, page: str, action: str, note: str = "") -> Response:
    mark = re.search(r'name="mark" value="(\w+)"', browser.get(page).text)
    assert mark is not None
    path = page.partition("?")[0] + "/step"
    return browser.post(path, page=page, action=action, mark=mark[1], note=note)
