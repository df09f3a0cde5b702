"""A writer's day in a real browser: a Word file in, its problems, edits, a review by another."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from zipfile import ZipFile

import pytest
from browser_site import Site, Visitor, open_browser
from playwright.sync_api import Browser, expect
from staff_items import (
    bring,
    choice_item,
    cluster_item,
    grant_subjects,
    move_on,
    number_item,
)

from exam_server.items import keeping, statistics
from exam_server.items.models import ItemCard
from question_bank.item import SingleChoice
from question_bank.lifecycle import Action
from question_bank.psychometrics.classical import ItemStatistics
from question_bank.writing import content_from
from tests.browser.test_staff_journeys import FAINT, UNLABELLED
from tests.interaction_items import slider

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
SCREENS = ROOT / "build" / "screens"


def test_a_writers_day(chromium: Browser, site: Site, visitor: Visitor) -> None:
    grant_subjects(site.world)
    page = visitor.page
    visitor.sign_in("rade")
    page.get_by_role("link", name="Ngân hàng câu hỏi").click()
    page.get_by_role("link", name="Nhập từ tệp").click()
    page.locator("#file").set_input_files(ROOT / "fixtures/word/changes-and-notes.docx")
    expect(page.locator("[data-file-name]")).to_have_text("changes-and-notes.docx")
    page.get_by_label("Xếp vào môn").select_option("Toán")
    page.get_by_role("button", name="Đọc tệp").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("changes-and-notes.docx")
    expect(page.get_by_text("Cần xem lại").first).to_be_visible()
    page.get_by_label("Lấy câu này changes-and-notes-1").check()
    page.get_by_role("button", name="Lấy các câu đã chọn").click()
    expect(page.get_by_role("status").first).to_contain_text("bản nháp")

    page.get_by_role("link", name="Ngân hàng câu hỏi").first.click()
    page.get_by_label("Tìm trong nội dung").fill("khong co cau nao nhu vay")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Không có câu hỏi nào phù hợp.")).to_be_visible()
    page.get_by_role("link", name="Bỏ điều kiện").click()
    page.get_by_label("Trạng thái").select_option("draft")
    page.get_by_role("button", name="Tìm", exact=True).click()
    page.get_by_role("link", name="changes-and-notes-1").click()
    page.get_by_role("link", name="Sửa bản nháp").click()
    expect(page.locator("#stem")).to_be_focused()
    page.locator("#stem").fill("Tính $\\frac{1}{2")
    page.get_by_role("button", name="Lưu").click()
    expect(page.locator("#stem-error")).to_contain_text("công thức")
    expect(page.locator("#stem")).to_have_value("Tính $\\frac{1}{2")
    page.locator("#stem").fill("Tính $\\frac{1}{2}+\\frac{1}{3}$.")
    page.get_by_role("button", name="Lưu").click()
    expect(page.locator(".stem svg").first).to_be_visible()
    page.get_by_role("button", name="Gửi phản biện").click()
    expect(page.get_by_role("status").first).to_contain_text("Đã gửi phản biện")
    expect(page.get_by_role("button", name="Duyệt câu hỏi")).to_have_count(0)
    address = page.url.partition("?")[0].removeprefix(site.url)

    context, reviewer = open_browser(chromium, site)
    reviewer.sign_in("phanbien")
    reviewer.go(address)
    reviewer.page.get_by_role("button", name="Trả lại người soạn").click()
    expect(reviewer.page.locator("#note-error")).to_contain_text("lý do")
    reviewer.page.get_by_label("Nhận xét kèm theo").fill("Câu này được")
    reviewer.page.get_by_role("button", name="Duyệt câu hỏi").click()
    expect(reviewer.page.get_by_role("status").first).to_contain_text("Đã duyệt")
    context.close()
    visitor.go(address)
    expect(page.get_by_text("Câu này được")).to_be_visible()
    expect(page.get_by_role("link", name="Soạn bản mới")).to_be_visible()
    assert [line for line in visitor.complaints if "422" not in line] == []


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_page_of_the_bank_draws(chromium: Browser, site: Site, language: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    world = site.world
    grant_subjects(world)
    items = [bring(world, "rade", one) for one in (choice_item(), cluster_item(), number_item())]
    secret = bring(world, "rade", choice_item("de-du-phong"), secret=True)
    move_on(world, "rade", items[1], Action.SUBMIT)
    move_on(world, "phanbien", items[1], Action.RETURN, "Ý c cần nêu rõ góc giữa đường và mặt.")
    move_on(world, "rade", items[0], Action.SUBMIT)
    move_on(world, "phanbien", items[0], Action.APPROVE)
    with world.server.transaction() as session:
        row = keeping.version_row(session, items[0], 1)
        told = ItemStatistics(412, Decimal("0.617"), Decimal("0.384"))
        statistics.keep(session, row.id, "import:Thi thử 2026", told, now=world.server.now())
        session.get_one(ItemCard, items[0]).topic = "2D1"
    context, visitor = open_browser(chromium, site)
    page = visitor.page

    def picture(name: str) -> None:
        page.wait_for_load_state("networkidle")
        page.screenshot(path=str(SCREENS / f"web-bank-{name}-{language}.png"), full_page=True)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), name
        assert page.evaluate(UNLABELLED) == [], name
        assert page.evaluate(FAINT) == [], name

    visitor.go("/login")
    if language == "en":
        visitor.choose_english()
    visitor.sign_in("rade")
    visitor.go("/bank")
    picture("list")
    visitor.go("/bank?q=ham+so&topic=2D1&p_from=0,1&p_to=0,9&sort=hard&used=unused")
    expect(page.locator("details.further")).to_have_attribute("open", "")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("#topic option:checked")).to_have_attribute("value", "2D1")
    picture("search")
    visitor.go("/bank")
    page.locator("details.many summary").click()
    page.locator("input[name=item]").nth(2).check()
    page.locator("#put_tag").fill("Đợt 1 năm 2027")
    picture("many")
    page.locator("button[name=task][value=tag]").click()
    page.wait_for_url("**/bank/jobs/*")
    page.locator("button[value=undo]").wait_for()
    picture("job")
    visitor.go("/bank/jobs")
    picture("jobs")
    visitor.go("/bank/new")
    picture("new")
    visitor.go(f"/bank/items/{items[0]}")
    picture("item")
    visitor.go(f"/bank/items/{items[1]}")
    picture("returned")
    visitor.go(f"/bank/items/{items[1]}/edit")
    picture("edit-cluster")
    visitor.go(f"/bank/items/{items[2]}/edit")
    picture("edit-number")
    visitor.go(f"/bank/items/{items[0]}/edit")
    stem = page.locator("#stem").input_value()
    page.locator("#stem").fill(stem.replace("nghịch biến", "đồng biến"))
    page.locator("#points").fill("nửa")
    page.locator("form.room-layout button.good").click()
    picture("edit-refused")
    page.locator("#points").fill("0,5")
    page.locator("form.room-layout button.good").click()
    page.wait_for_url("**done=item_saved")
    visitor.go(f"/bank/items/{items[0]}/changes?from=1&to=2")
    picture("changes")
    visitor.go("/bank/imports")
    picture("imports")
    for file in ("changes-and-notes.docx", "keys-that-fail.docx", "cac-loai.xml"):
        visitor.go("/bank/imports")
        folder = "word" if file.endswith(".docx") else "moodle"
        page.locator("#file").set_input_files(ROOT / "fixtures" / folder / file)
        page.locator("#subject").select_option("Toán")
        page.locator("form.panel button").click()
        page.wait_for_url("**/bank/imports/*")
        picture(f"import-{file}")
    visitor.go(f"/bank/items/{secret}")
    picture("secret")
    page.locator("#export").fill("In đề dự phòng cho hội đồng thi")
    page.locator("form[action$='/export'] button").click()
    picture("exports")
    assert [line for line in visitor.complaints if "422" not in line] == []
    context.close()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_duplicates_draw(chromium: Browser, site: Site, language: str) -> None:
    world, folder = site.world, ROOT / "fixtures/word"
    SCREENS.mkdir(parents=True, exist_ok=True)
    grant_subjects(world)
    item = choice_item(f"goc-{language}")
    assert isinstance(item.interaction, SingleChoice)
    options = item.interaction.options
    turned = tuple(replace(one, id=i.id) for one, i in zip(options[::-1], options, strict=True))
    stem = content_from(r"Xét hàm số $y=\frac{1}{3}x^3-x^2+5$. Hàm số nghịch biến trên khoảng nào?")
    first = bring(world, "rade", item)
    bring(world, "rade", replace(item, id=f"dao-{language}", interaction=SingleChoice(turned)))
    other = bring(world, "rade", replace(item, id=f"so-{language}", stem=stem))
    bring(world, "rade", replace(item, id=f"mat-{language}"), secret=True)
    context, visitor = open_browser(chromium, site)
    page = visitor.page

    def picture(name: str) -> None:
        page.wait_for_load_state("networkidle")
        page.screenshot(path=str(SCREENS / f"web-bank-{name}-{language}.png"), full_page=True)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), name
        assert page.evaluate(UNLABELLED) == [], name
        assert page.evaluate(FAINT) == [], name

    visitor.go("/login")
    if language == "en":
        visitor.choose_english()
    visitor.sign_in("rade")
    visitor.go(f"/bank/items/{first}")
    page.locator(f"a[href='/bank/items/{first}/alike']").click()
    expect(page.locator("ins").first).to_be_visible()
    picture("alike")
    page.locator(f"a[href='/bank/items/{first}/alike/{other}']").click()
    picture("compared")
    visitor.go("/bank/duplicates")
    picture("duplicates")
    for _ in range(2):
        visitor.go("/bank/imports")
        page.locator("#file").set_input_files(folder / "changes-and-notes.docx")
        page.locator("#subject").select_option("Toán")
        page.locator("form.panel button").click()
        page.wait_for_url("**/bank/imports/*")
        picture("import-alike")
        page.locator("button[value=all]").click()
        page.wait_for_url("**done=items_taken")
    assert visitor.complaints == []
    context.close()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_what_was_found_is_exported(chromium: Browser, site: Site, language: str) -> None:
    """From the list to a file on the disk, written by a process of its own."""
    world = site.world
    SCREENS.mkdir(parents=True, exist_ok=True)
    grant_subjects(world)
    sliding = replace(slider(), id="thanh-truot", metadata=number_item().metadata)
    for one in (choice_item(), cluster_item(), number_item(), sliding):
        bring(world, "rade", one)
    bring(world, "rade", choice_item("de-du-phong"), secret=True)
    context, visitor = open_browser(chromium, site)
    page = visitor.page

    def picture(name: str) -> None:
        page.wait_for_load_state("networkidle")
        page.screenshot(path=str(SCREENS / f"web-bank-{name}-{language}.png"), full_page=True)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), name
        assert page.evaluate(UNLABELLED) == [], name
        assert page.evaluate(FAINT) == [], name

    visitor.go("/login")
    if language == "en":
        visitor.choose_english()
    visitor.sign_in("rade")
    visitor.go("/bank?sort=name")
    page.locator("details.many summary").click()
    page.locator("input[name=scope][value=all]").check()
    page.locator("select[name=format]").select_option("moodle")
    picture("export-many")
    page.locator("button[name=task][value=export]").click()
    page.wait_for_url("**/bank/jobs/*")
    page.locator("button[value=take]").wait_for(timeout=90_000)  # made apart, behind all else
    expect(page.get_by_role("link", name="de-du-phong")).to_be_visible()
    expect(page.get_by_role("link", name="thanh-truot")).to_be_visible()
    expect(page.locator(".problem.warning")).to_contain_text("hinh-chop")
    picture("export-file")
    with page.expect_download() as taken:
        page.locator("button[value=take]").click()
    with ZipFile(taken.value.path()) as archive:
        file, notes = sorted(archive.namelist())
        data, told = archive.read(file), archive.read(notes).decode("utf-8-sig")
    assert file.endswith(".xml") and data.count(b"<idnumber>") == 3
    assert all(name in told for name in ("de-du-phong", "thanh-truot", "hinh-chop"))
    page.reload()
    expect(page.locator("button[value=take]")).to_have_count(0)
    picture("export-taken")
    assert visitor.complaints == []
    context.close()
