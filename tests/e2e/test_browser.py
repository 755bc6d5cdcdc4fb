"""A visitor and an owner in a real browser, on the server as it is started."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.e2e.process import Avatarium, avatarium
from tests.parts.upstream import TEXT, running_upstream

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Avatarium]:
    async with (
        running_upstream() as upstream,
        avatarium(tmp_path, GROQ_API_KEY="key", GROQ_API_BASE=upstream.url) as server,
    ):
        yield server


@pytest.fixture
async def page(server: Avatarium) -> AsyncIterator[Page]:
    """A page that has asked nobody but the server, when the test is over."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        yield page
        await browser.close()
    assert [url for url in asked if not url.startswith((server.url, "data:"))] == []


async def test_a_visitor_chats_and_a_reload_keeps_the_conversation(server: Avatarium, page: Page) -> None:
    await page.goto(f"{server.url}/a/DemoAvatar1")
    await expect(page.get_by_text("Hi, I am Ava! Ask me anything.")).to_be_visible()
    box = page.get_by_role("textbox")
    await box.fill("Tell me about Zürich")
    await box.press("Enter")
    await expect(page.get_by_text(TEXT)).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Tell me about Zürich")).to_be_visible()
    await expect(page.get_by_text(TEXT)).to_be_visible()


async def test_the_printed_link_signs_in(server: Avatarium, page: Page) -> None:
    link = server.output[-1].split()[-1]
    await page.goto(link)
    await expect(page.get_by_text("demo@localhost")).to_be_visible()
    await expect(page.get_by_role("link", name="Ava").first).to_be_visible()
    assert "token" not in page.url


async def test_an_unknown_avatar_is_said_to_be_unknown(server: Avatarium, page: Page) -> None:
    await page.goto(f"{server.url}/a/AAAAAAAAAAA")
    await expect(page.get_by_role("heading")).to_be_visible()
    await expect(page.get_by_role("textbox")).to_have_count(0)
