"""A proctor's day in a real browser: live, by mouse and keys, over TLS."""

import pytest
from browser_site import Site, Visitor, open_browser
from playwright.sync_api import Browser, expect
from staff_world import PASSWORD, captures

from exam_server.contract.api import StationState
from exam_server.proctoring.service import room_of
from exam_server.proctoring.views import Sitting
from exam_server.shifts import service as shifts

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def _open_shift(site: Site) -> None:
    server, officer = site.world.server, site.world.officer("giamthi1")
    with server.transaction() as session:
        shifts.open_shift(session, site.world.shift, officer=officer, now=server.now())


def _sitting(site: Site, index: int) -> Sitting:
    world = site.world
    with world.server.reading() as session:
        room = room_of(session, world.shift, world.room, world.server.now())
    seated = room.seats[index].seated
    assert seated is not None
    return seated.sitting


def _watch(visitor: Visitor) -> None:
    world = visitor.site.world
    visitor.go(f"/rooms/{world.shift}/{world.room}")
    expect(visitor.page.locator("[data-link-state]")).to_have_text("Đang cập nhật trực tiếp")


def test_a_referral_appears_by_itself_and_is_decided(site: Site, visitor: Visitor) -> None:
    _open_shift(site)
    visitor.sign_in("giamthi1")
    _watch(visitor)
    page = visitor.page
    expect(page.get_by_text("Không có trường hợp nào chờ quyết định.")).to_be_visible()
    site.world.beat(10, StationState.IDENTIFYING)
    tile = page.locator(".seat", has_text="Nguyễn Thị Thanh Ngân")
    expect(tile).to_contain_text("Đang xác thực")
    site.world.refer(10)
    expect(tile).to_contain_text("Chờ quyết định")
    page.locator(".waiting-list").get_by_role("link", name="Xem và quyết định").click()
    expect(page.locator(".face img")).to_have_count(4)
    for picture in page.locator(".face img").all():
        expect(picture).not_to_have_js_property("naturalWidth", 0)
    expect(page.get_by_text("Chưa kiểm tra có đúng là người thật")).to_be_visible()
    page.get_by_role("button", name="Ghi quyết định").click()
    expect(page.get_by_role("alert")).to_contain_text("những gì đã nhập vẫn được giữ")
    page.get_by_label("Cho vào thi").check()
    page.get_by_label("Lý do (bắt buộc)").select_option("appearance_changed")
    page.get_by_label("Ghi chú thêm").fill("Cắt tóc ngắn")
    page.get_by_role("button", name="Ghi quyết định").click()
    expect(page.get_by_role("status").first).to_contain_text("Đã cho thí sinh vào phòng thi")
    expect(tile).to_contain_text("Đã vào phòng")
    assert _sitting(site, 10) is Sitting.ADMITTED
    assert [line for line in visitor.complaints if "422" not in line] == []


def test_two_officers_check_in_one_candidate(site: Site, visitor: Visitor) -> None:
    _open_shift(site)
    visitor.sign_in("giamthi1")
    page, world = visitor.page, site.world
    visitor.go(f"/placements/{world.placements[4]}")
    page.get_by_role("link", name="Xác nhận bởi hai cán bộ").click()
    page.get_by_label("Giấy tờ hoặc căn cứ").select_option(label="Hộ chiếu")
    page.get_by_label("Lý do không dùng được chip").fill("Chip không phản hồi trên hai máy")
    picture = {"name": "thi-sinh.jpg", "mimeType": "image/jpeg", "buffer": captures()[0]}
    page.locator("#photograph").set_input_files(picture)
    expect(page.locator("[data-file-name]")).to_have_text("thi-sinh.jpg")
    page.get_by_label("Tên đăng nhập của cán bộ thứ hai").fill("giamthi2")
    page.get_by_label("Mật khẩu của cán bộ thứ hai").fill("không phải")
    page.get_by_role("button", name="Cho vào thi có điều kiện").click()
    expect(page.get_by_role("alert")).to_contain_text("mật khẩu của cán bộ thứ hai không đúng")
    expect(page.get_by_label("Lý do không dùng được chip")).to_have_value(
        "Chip không phản hồi trên hai máy"
    )
    page.get_by_label("Mật khẩu của cán bộ thứ hai").fill(PASSWORD)
    page.get_by_role("button", name="Cho vào thi có điều kiện").click()
    expect(page.get_by_text("Kết quả có điều kiện cho đến khi")).to_be_visible()
    assert _sitting(site, 4) is Sitting.ADMITTED


def test_the_shift_is_started_after_a_question_and_the_clocks_run(
    site: Site, visitor: Visitor
) -> None:
    _open_shift(site)
    attempt = site.world.admit(2)
    visitor.sign_in("giamthi1")
    page = visitor.page
    page.get_by_role("link", name="Phát hiệu lệnh làm bài").click()
    expect(page.get_by_text("Không thể hoàn tác.")).to_be_visible()
    page.get_by_role("button", name="Bắt đầu làm bài").click()
    expect(page.get_by_role("status").first).to_contain_text("Đã phát hiệu lệnh làm bài")
    _watch(visitor)
    site.world.write(2, attempt, answers=1, submit=False)
    clock = page.locator(".seat", has_text="Lê Minh Đức").locator(".clock")
    expect(clock).to_contain_text("1:29:")
    first = clock.text_content()
    expect(clock).not_to_have_text(first or "")
    site.world.write(2, attempt, answers=1, submit=True)
    expect(page.locator(".seat", has_text="Lê Minh Đức")).to_contain_text("Đã nộp bài")
    assert visitor.complaints == []


def test_a_lost_connection_is_said_and_mended(site: Site, visitor: Visitor) -> None:
    _open_shift(site)
    visitor.sign_in("giamthi1")
    _watch(visitor)
    page = visitor.page
    banner = page.locator("[data-link-lost]")
    expect(banner).to_be_hidden()
    site.stop()
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("có thể đã cũ")
    site.world.refer(6)
    site.start_again()
    expect(banner).to_be_hidden()
    expect(page.locator(".seat", has_text="Đặng Ngọc Khánh Linh")).to_contain_text("Chờ quyết định")


def test_the_pages_change_language_and_work_by_keyboard(site: Site, visitor: Visitor) -> None:
    visitor.go("/login")
    page = visitor.page
    expect(page.locator("#login")).to_be_focused()
    page.keyboard.type("hoidong")
    page.keyboard.press("Tab")
    expect(page.locator("#password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ca thi và phòng thi")
    visitor.choose_english()
    expect(page.get_by_role("heading", level=1)).to_have_text("Shifts and rooms")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.get_by_role("link", name="Results").click()
    expect(page.get_by_text("No shift has started yet.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_without_scripts_the_pages_still_work(chromium: Browser, site: Site) -> None:
    _open_shift(site)
    site.world.refer(5)
    context, visitor = open_browser(chromium, site, java_script_enabled=False)
    visitor.sign_in("giamthi1")
    world = site.world
    visitor.go(f"/rooms/{world.shift}/{world.room}")
    visitor.page.get_by_role("link", name="Xem và quyết định").click()
    visitor.page.get_by_label("Từ chối").check()
    visitor.page.get_by_label("Lý do (bắt buộc)").select_option("other_person")
    visitor.page.get_by_role("button", name="Ghi quyết định").click()
    assert _sitting(site, 5) is Sitting.REFUSED
    context.close()


def test_labels_and_contrast_hold_on_the_busiest_forms(site: Site, visitor: Visitor) -> None:
    _open_shift(site)
    checkin = site.world.refer(1)
    visitor.sign_in("hoidong")
    for path in (
        f"/checkins/{checkin}",
        f"/placements/{site.world.placements[3]}/check-in",
        f"/rooms/{site.world.shift}/{site.world.room}",
    ):
        visitor.go(path)
        assert visitor.page.evaluate(UNLABELLED) == []
        assert visitor.page.evaluate(FAINT) == []


UNLABELLED = """
[...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
  .filter((field) => !field.labels.length).map((field) => field.name)
"""
#: Text whose contrast with what lies behind it is below WCAG's 4.5 to 1.
FAINT = """
(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((value) => value / 255)
      .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      if (style.backgroundImage !== "none") return [247, 223, 184];
      const [r, g, b, a = 1] = parse(style.backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("main *, header *, footer")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || element.closest("svg, [hidden], noscript, .hidden-text")) continue;
    if (element.closest(":disabled") || !element.checkVisibility()) continue;
    const front = light(parse(getComputedStyle(element).color).slice(0, 3));
    const back = light(behind(element));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < 4.5) faint.push(`${element.className} ${element.textContent.trim()} ${ratio}`);
  }
  return faint;
})()
"""
