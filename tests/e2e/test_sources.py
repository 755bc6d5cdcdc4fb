"""What a visitor sees of an answer's sources, in a real browser."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.process import Avatarium, avatarium
from tests.e2e.test_browser import page as page
from tests.parts.documents import pdf
from tests.parts.site import Site, running_site

AVATAR = {"slug": "tea", "name": "Tea", "avatarModelUrl": "https://models.example.com/a.glb"}
TEXT = "The tea house opens at nine."
PAGES = ("Our teas come from Uji and from Darjeeling.", "On Sundays the tea house opens at ten.")
QUESTION = "When does the tea house open?"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running_site() as site:
        site.add("/hours.pdf", pdf(*PAGES), "application/pdf")
        yield site


@pytest.fixture
async def server(tmp_path: Path, site: Site) -> AsyncIterator[Avatarium]:
    async with avatarium(tmp_path, AVATARIUM_DEMO="false", AVATARIUM_ALLOW_PRIVATE_HOSTS=site.pair) as server:
        yield server


@pytest.fixture
async def chat(server: Avatarium, site: Site, page: Page) -> Locator:
    """The conversation with an avatar that knows a text and a PDF, and has answered once."""
    token = await server.command("token", "--email", "owner@example.com")
    async with aiohttp.ClientSession(server.url, headers={"Authorization": f"Bearer {token}"}) as owner:
        short_id = (await called(owner, "POST", "", json=AVATAR))["shortId"]
        for item in (
            {"type": "text", "title": "Hours", "content": TEXT},
            {"type": "url", "title": "Sundays", "url": f"{site.origin}/hours.pdf"},
        ):
            await called(owner, "POST", f"/{short_id}/knowledge", json=item)
        while {item["status"] for item in await called(owner, "GET", f"/{short_id}/knowledge")} != {"ready"}:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await page.goto(f"{server.url}/a/{short_id}")
    await page.get_by_role("textbox").fill(QUESTION)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("list", name="Sources")).to_be_visible()
    return page.get_by_role("log")


async def called(owner: aiohttp.ClientSession, method: str, path: str, **more: Any) -> Any:
    async with owner.request(method, f"/v1/consumer-avatars{path}", **more) as response:
        assert response.status == 200, await response.text()
        return (await response.json())["data"]


async def test_an_answer_shows_its_sources_and_a_reload_keeps_them(page: Page, chat: Locator, site: Site) -> None:
    for _ in ("answered", "reloaded"):
        await expect(chat.locator(".reply-text").last).to_have_text(f"{TEXT}1 {' '.join(PAGES)}2")
        await expect(chat.get_by_role("listitem")).to_have_text(["1Hours", "2Sundays (opens in a new tab)p. 2"])
        link = chat.get_by_role("list").get_by_role("link")
        await expect(link).to_have_attribute("href", f"{site.origin}/hours.pdf")
        await expect(link).to_have_attribute("target", "_blank")
        await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
        await page.reload()


async def test_a_number_leads_to_its_source_by_keyboard(page: Page, chat: Locator) -> None:
    number = chat.get_by_role("link", name="Source 2: Sundays p. 2", exact=True)
    await number.focus()
    await page.keyboard.press("Enter")
    await expect(chat.get_by_role("listitem").nth(1)).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(chat.get_by_role("list").get_by_role("link")).to_be_focused()


async def test_sources_fit_a_narrow_screen(page: Page, chat: Locator) -> None:
    await page.set_viewport_size({"width": 320, "height": 568})
    await expect(chat.get_by_role("list").get_by_role("link")).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
    assert await chat.evaluate("log => log.scrollWidth <= log.clientWidth")
