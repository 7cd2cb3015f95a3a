"""The page of `ppocr serve` in a real browser: `make test-browser`. Without Playwright or Chromium it is left out."""

import json
import os
import shutil

import pytest
import serve_fakes

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium")

KEY = "0123456789abcdef"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with serve_fakes.running_server(tmp_path_factory.mktemp("server")) as (_, url):
        yield url


@pytest.fixture
def page(browser, address):
    """An open page; whatever it complains of, a refused script for instance, fails the test."""
    problems = []
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(address)
    yield page
    context.close()
    assert not problems


def give(page, name, data, kind="image/png"):
    page.set_input_files("#files", {"name": name, "mimeType": kind, "buffer": data})


def lines(page):
    page.wait_for_selector("li")
    return page.locator("li").all_inner_texts()


def test_a_picture_is_read_and_its_boxes_lie_over_it(page):
    give(page, "a.png", serve_fakes.png(200, size=(200, 300)))
    assert lines(page) == ["shade 200"]
    page.wait_for_selector("article button:visible")
    canvas, svg = (page.locator(f".view {tag}").bounding_box() for tag in ("canvas", "svg"))
    assert canvas["width"] / canvas["height"] == pytest.approx(1.5, abs=0.02)
    assert {key: round(value) for key, value in svg.items()} == {key: round(value) for key, value in canvas.items()}
    assert "1 page, 1 lines" in page.locator("#status").inner_text()


def test_text_and_box_mark_each_other(page):
    give(page, "a.png", serve_fakes.png(size=(20, 30)))
    assert lines(page)
    page.locator("li").hover()
    assert "on" in page.locator("polygon").get_attribute("class")
    page.locator("polygon").hover()
    assert "on" in page.locator("li").get_attribute("class")


def test_words_are_drawn_when_asked_for(page):
    page.check("#words")
    give(page, "a.png", serve_fakes.png())
    assert lines(page) and page.locator("polygon.word").count() == 2


def test_frames_that_a_browser_cannot_show_are_drawn_from_their_text(page):
    give(page, "a.tif", serve_fakes.tiff(1, 2), "image/tiff")
    page.wait_for_selector("article button:visible")
    assert lines(page) == ["shade 1", "shade 2"] and page.locator("svg text").all_text_contents()[1] == "shade 2"


def test_the_keyboard_is_enough(page):
    give(page, "a.tif", serve_fakes.tiff(1, 2), "image/tiff")
    page.wait_for_selector("article button:visible")
    page.locator("#files").focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "LI":
            break
    assert page.evaluate("document.activeElement.textContent") == "shade 1"
    assert page.locator("li.on").count() == 1


def test_downloads(page):
    give(page, "a.png", serve_fakes.png(5))
    page.wait_for_selector("article button:visible")
    saved = {}
    for label in ("Text", "JSON", "Searchable PDF"):
        with page.expect_download() as download:
            page.get_by_role("button", name=label, exact=True).click()
        with open(download.value.path(), "rb") as file:
            saved[download.value.suggested_filename] = file.read()
    assert saved["a.png.txt"] == b"shade 5\n" and json.loads(saved["a.png.json"])[0]["lines"][0]["text"] == "shade 5"
    assert saved["a.png.pdf"].startswith(b"%PDF")


def test_names_and_texts_cannot_be_markup(page):
    give(page, "<img src=x onerror=alert(1)>.png", serve_fakes.png())
    assert lines(page) and page.locator("article img").count() == 0
    assert page.locator("h2").inner_text().startswith("<img")


def test_a_phone_needs_no_scrolling_sideways_and_the_dark_is_dark(page):
    page.set_viewport_size({"width": 360, "height": 700})
    page.emulate_media(color_scheme="dark")
    give(page, "a_long_name_without_any_place_to_break_it_" * 4 + ".png", serve_fakes.png(size=(20, 300)))
    assert lines(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    red, *_ = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert red < 50


def test_problems_are_told_and_a_key_is_asked_for(browser, tmp_path):
    with serve_fakes.running_server(tmp_path, KEY) as (_, url):
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#key")
        give(page, "a.png", serve_fakes.png(7))
        page.wait_for_selector(".bad")
        assert "API key" in page.locator(".bad").inner_text()
        page.fill("#key", KEY)
        give(page, "b.png", serve_fakes.png(8))
        assert lines(page) == ["shade 8"]
        give(page, "c.png", b"nothing")
        page.wait_for_selector("article:first-child .bad")
        assert "c.png" in page.locator("article:first-child .bad").inner_text()
        page.close()
