"""`tfstyle web` in a real browser, headless Chromium."""

import json
import os
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.test_web import bomb
from tests.web_server import running
from tfstyle import images

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
if os.environ.get("TFSTYLE_NEEDS_BROWSER"):
    assert CHROMIUM, "Chromium is missing: apt-get install chromium"
    import playwright.sync_api  # noqa: F401
elif not CHROMIUM:
    pytest.skip("there is no Chromium: apt-get install chromium", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
expect.set_options(timeout=30_000)  # milliseconds; machines that test are busy
PATIENT = {"timeout": 120_000}  # milliseconds, for a render


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("web"), "--largest_size=128") as found:
        yield found


@pytest.fixture
def open_page(chromium, server):
    """Opens the page in a browser of its own, which may call nobody else."""
    opened, wrong = [], []

    def open_one(**options):
        page = chromium.new_context(**options).new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda one: one.url.startswith((server.address, "data:", "blob:"))
                or wrong.append(one.url))  # fmt: skip
        page.goto(server.address)
        expect(page.locator("#download")).to_be_visible()
        opened.append(page)
        return page

    yield open_one
    for page in opened:
        page.context.close()
    assert wrong == []


def painted(page, act):
    """The address of the next picture, after an action."""
    before = page.locator("#after").get_attribute("src")
    act()
    expect(page.locator("#after")).not_to_have_attribute("src", before)
    expect(page.locator("#busy")).to_be_hidden()
    return page.locator("#after").get_attribute("src")


def slide(page, name, value):
    page.locator(name).fill(str(value))


def saved(page, path, button="#download"):
    with page.expect_download() as download:
        page.locator(button).click()
    download.value.save_as(path)
    return download.value.suggested_filename


def test_a_photo_is_dropped_slid_mixed_and_downloaded(open_page, server, examples, tmp_path):
    page = open_page()
    painted(page, lambda: page.set_input_files("#photo-file", examples / "chelsea.jpg"))
    painted(page, lambda: page.get_by_label("stained_glass", exact=True).click())
    painted(page, lambda: page.get_by_label("Mix with mosaic").click())
    address = painted(page, lambda: slide(page, "#strength", 0.35))
    assert saved(page, tmp_path / "a.png") == "chelsea__stained_glass+mosaic.png"
    shown = page.context.request.get(server.address + address).body()
    assert (tmp_path / "a.png").read_bytes() == shown
    stored = images.read_parameters(tmp_path / "a.png")
    assert stored["strength"] == 0.35 and stored["style_weights"] == [1.0, 1.0]
    # Another browser takes the settings from the picture, but for the photo.
    other = open_page()
    painted(other, lambda: other.set_input_files("#photo-file", tmp_path / "a.png"))
    assert other.locator("#strength").input_value() == "0.35"
    assert "The settings of this picture are set" in other.locator("#message").inner_text()
    assert other.locator("#styles [aria-pressed=true]").count() == 2
    saved(other, tmp_path / "b.png")
    first, second = (np.asarray(Image.open(tmp_path / name)) for name in ("a.png", "b.png"))
    np.testing.assert_array_equal(first, second)
    assert other.locator("#photos .thumb").count() == 3  # its own upload, not the first one's


def test_the_wipe_shows_the_photo_on_the_left(open_page, examples, tmp_path):
    page = open_page()
    slide(page, "#wipe", 50)
    expect(page.locator("#before-label")).to_be_visible()
    page.wait_for_timeout(300)  # for the pictures
    page.locator("#pair").screenshot(path=tmp_path / "shot.png")
    found = images.read_image(tmp_path / "shot.png", 256)[0]
    photo = images.read_image(examples / "astronaut.jpg", 256)[0]
    height, width = np.minimum(found.shape[:2], photo.shape[:2])
    error = np.abs(found[:height, :width] - photo[:height, :width]).mean((0, 2))
    assert error[: width // 3].mean() < 0.03 < 0.1 < error[-width // 3 :].mean()


def draw_left(page):
    """Draws a region over the left third of the picture."""
    page.locator("#region summary").click()
    page.locator("#draw").click()
    slide(page, "#width", 0.25)
    box = page.locator("#pair").bounding_box()
    x, y = box["x"] + box["width"] / 6, box["y"]

    def drag():
        page.mouse.move(x, y + 2)
        page.mouse.down()
        page.mouse.move(x, y + box["height"] - 2, steps=5)
        page.mouse.up()

    painted(page, drag)
    page.locator("#draw").click()


def keeps_photo(path, photo):
    """Whether a picture is the photo at the left, and not at the right."""
    found, photo = images.read_image(path)[0], images.read_image(photo, 128)[0]
    error = np.abs(found - photo).mean((0, 2))
    return error[8:28].max() < 0.01 and error[-32:].mean() > 0.05


def test_a_region_is_drawn_and_taken_back_from_the_picture(open_page, examples, tmp_path):
    page = open_page()
    draw_left(page)
    saved(page, tmp_path / "a.png")
    assert keeps_photo(tmp_path / "a.png", examples / "astronaut.jpg")
    painted(page, lambda: page.locator("#clear").click())
    saved(page, tmp_path / "b.png")
    assert not keeps_photo(tmp_path / "b.png", examples / "astronaut.jpg")
    painted(page, lambda: page.set_input_files("#photo-file", tmp_path / "a.png"))
    saved(page, tmp_path / "c.png")
    first, second = (np.asarray(Image.open(tmp_path / name)) for name in ("a.png", "c.png"))
    np.testing.assert_array_equal(first, second)


def test_settings_wait_for_their_photo_and_painting_and_outlast_a_reload(
    open_page, examples, tmp_path
):
    for name, source in (("mine.jpg", "chelsea.jpg"), ("paint.jpg", "mosaic.jpg")):
        (tmp_path / name).write_bytes((examples / source).read_bytes())
    page = open_page()
    painted(page, lambda: page.set_input_files("#photo-file", tmp_path / "mine.jpg"))
    painted(page, lambda: page.set_input_files("#style-file", tmp_path / "paint.jpg"))
    draw_left(page)
    saved(page, tmp_path / "a.png")
    (tmp_path / "mine.png").write_bytes((tmp_path / "a.png").read_bytes())  # not its own photo
    other = open_page()
    painted(other, lambda: other.set_input_files("#photo-file", tmp_path / "mine.png"))
    expect(other.locator("#message")).to_contain_text("the photo “mine”, the painting “paint”")
    painted(other, lambda: other.set_input_files("#photo-file", tmp_path / "mine.jpg"))
    painted(other, lambda: other.set_input_files("#photo-file", tmp_path / "paint.jpg"))
    expect(other.locator("#message")).to_have_text("The settings of this picture are set.")
    saved(other, tmp_path / "b.png")
    other.reload()
    expect(other.locator("#download")).to_be_visible()
    saved(other, tmp_path / "c.png")
    first, *rest = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in "abc")
    for one in rest:
        np.testing.assert_array_equal(one, first)
    # Another photo: the region stays, with a button that clears it.
    painted(other, lambda: other.get_by_label("astronaut", exact=True).click())
    saved(other, tmp_path / "d.png")
    assert keeps_photo(tmp_path / "d.png", examples / "astronaut.jpg")
    painted(other, lambda: other.get_by_text("Clear it").click())
    saved(other, tmp_path / "e.png")
    assert not keeps_photo(tmp_path / "e.png", examples / "astronaut.jpg")
    painted(other, lambda: other.get_by_label("astronaut", exact=True).press("Enter"))
    expect(other.locator("#photos .remove")).to_have_count(2)
    other.get_by_label("Remove mine").first.click()
    expect(other.locator("#photos .remove")).to_have_count(1)


def test_renders_are_previewed_stopped_and_queued(open_page, examples, tmp_path):
    page, other = open_page(), open_page()
    draw_left(page)
    page.locator("#render").click()
    expect(page.locator("#show-rendered")).to_be_enabled(**PATIENT)
    page.reload()  # it goes on, and stands under what it is of
    expect(page.locator("#after-label")).to_have_text("rendered: astronaut in brushstrokes")
    assert re.search(r"renders/\d+/preview", page.locator("#after").get_attribute("src"))
    other.locator("#render").click()
    expect(other.locator("#note")).to_have_text("1 render before yours")
    other.locator("#cancel").click()
    expect(other.locator("#message")).to_have_text("Cancelled.")
    page.locator("#stop").click()
    expect(page.locator("#message")).to_have_text("Stopped: this is the picture so far.", **PATIENT)
    saved(page, tmp_path / "rendered.png")
    assert saved(page, tmp_path / "rendered.tif", "#download-deep") == "astronaut__brushstrokes.tif"
    deep, shown = (images.read_image(tmp_path / f"rendered.{kind}") for kind in ("tif", "png"))
    np.testing.assert_allclose(deep, shown, atol=0.51 / 255)
    stored = images.read_parameters(tmp_path / "rendered.png")
    assert stored["program"].startswith("tfstyle optimize") and stored["size"] == 128
    assert json.dumps(stored["style"]) == '["brushstrokes.jpg"]'
    assert keeps_photo(tmp_path / "rendered.png", examples / "astronaut.jpg")
    painted(page, lambda: page.get_by_label("chelsea", exact=True).click())
    expect(page.locator("#after-label")).to_have_text("painted")
    page.locator("#show-rendered").click()
    expect(page.locator("#after-label")).to_have_text("rendered: astronaut in brushstrokes")


def test_a_bomb_and_a_text_give_a_message(open_page):
    page = open_page()
    for name, data, words in (("bomb.png", bomb(), "60 can be used"),
                              ("text.jpg", b"text", "not a readable image")):  # fmt: skip
        file = {"name": name, "mimeType": "image/png", "buffer": data}
        page.set_input_files("#photo-file", file)
        expect(page.locator("#message.error")).to_contain_text(words)
    painted(page, lambda: slide(page, "#brush", 0.5))  # it goes on
    expect(page.locator("#message")).to_have_text("")
    expect(page.locator("#photos .thumb")).to_have_count(2)


def test_keys_move_the_wipe_and_a_mixture_is_not_lost(open_page):
    page = open_page()
    where = lambda: float(page.locator("#wipe").input_value())
    for key, expected in (("ArrowRight", 2), ("Shift+ArrowRight", 12), ("PageUp", 22),
                          ("PageDown", 12), ("ArrowLeft", 10), ("Home", 0)):  # fmt: skip
        page.locator("#wipe").press(key)
        assert where() == expected
    painted(page, lambda: page.get_by_label("Mix with mosaic").click())
    expect(page.locator("#shares output")).to_have_text(["50 %", "50 %"])
    painted(page, lambda: page.get_by_label("ink_wash", exact=True).click())
    expect(page.locator("#shares label")).to_have_count(0)
    painted(page, lambda: page.get_by_text("Mix again").click())
    expect(page.locator("#shares span")).to_have_text(["brushstrokes", "mosaic"])
    expect(page.locator("#pixels")).to_have_text("128 × 128 pixels")


def test_a_phone_has_room_for_it(open_page):
    page = open_page(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    picture = page.locator("#pair").bounding_box()
    assert picture["x"] >= 0 and picture["x"] + picture["width"] <= 360
    page.locator("#render").scroll_into_view_if_needed()
    button = page.locator("#render").bounding_box()
    assert button["height"] >= 40 and button["x"] + button["width"] <= 360
    painted(page, lambda: page.get_by_label("mosaic", exact=True).tap())


def test_pairs_are_compared_by_keys_and_clicks(chromium, tmp_path):
    for system, level in (("bright", 0.9), ("dark", 0.1)):
        (tmp_path / system).mkdir()
        for pair in ("a__x", "b__x"):
            picture = np.full((1, 64, 64, 3), level, np.float32)
            images.write_image(tmp_path / system / f"{pair}.png", picture)
    with running(tmp_path, f"--compare={tmp_path}") as server:
        page = chromium.new_page()
        page.goto(server.address)
        expect(page.locator("#note")).to_contain_text("0 of 2 done")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Backspace")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        expect(page.locator("#note")).to_contain_text("1 of 2 done")
        page.context.clear_cookies()  # another session, as after the page was started anew
        page.reload()
        expect(page.locator("#note")).to_contain_text("1 of 2 done")
        for question in ("overall", "style", "content"):
            page.locator(f"[data-question={question}]").get_by_text("Left").click()
        expect(page.locator("#note")).to_contain_text("all 2 are done")
        page.locator("#back").click()  # of a pair that is done
        expect(page.locator("#note")).to_contain_text("1 of 2 done")
        expect(page.locator("[aria-pressed=true]")).to_have_count(2)
        page.locator("[data-question=overall]").get_by_text("Same").click()
        expect(page.locator("#note")).to_contain_text("all 2 are done")
        page.locator("#show").click()
        expect(page.locator("#preferences tr")).to_have_count(4)
        page.close()
    lines = (tmp_path / "votes.csv").read_text("utf-8").splitlines()[1:]
    found = [line.rpartition(",")[2] for line in lines]
    assert found == ["left", "right", "same", "left", "left", "same"]
