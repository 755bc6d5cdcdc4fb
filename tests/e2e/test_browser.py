"""A visitor and an owner in a real browser, on the server as it is started."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

import aiohttp
import jwt
import pytest
from playwright.async_api import Page, async_playwright, expect

from adapters.system_clock import SystemClock
from adapters.trust.local import LocalSignIn
from tests.e2e.process import Avatarium, avatarium
from tests.parts.ports import free_port
from tests.parts.upstream import TEXT, running_upstream

PATIENCE_MS = 60_000
CHROMIUM = "/usr/bin/chromium"
LONG = 3_600_000
"""Milliseconds that no machine is too slow for."""
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
    async with page_of(server.url) as page:
        yield page


@asynccontextmanager
async def page_of(server_url: str) -> AsyncIterator[Page]:
    """A page that has asked nobody but the server, when the test is over."""
    async with async_playwright() as playwright:
        expect.set_options(timeout=LONG)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=LONG)
        page = await browser.new_page()
        page.set_default_timeout(LONG)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        yield page
        await browser.close()
    assert [url for url in asked if not url.startswith((server_url, "data:"))] == []


async def test_a_visitor_chats_and_a_reload_keeps_the_conversation(server: Avatarium, page: Page) -> None:
    await page.goto(f"{server.url}/a/DemoAvatar1")
    await expect(page.get_by_text("Hi, I am Ava! Ask me anything about Avatarium.")).to_be_visible()
    box = page.get_by_role("textbox")
    await box.fill("Tell me about Zürich")
    await box.press("Enter")
    await expect(page.get_by_text(TEXT)).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Tell me about Zürich")).to_be_visible()
    await expect(page.get_by_text(TEXT)).to_be_visible()


def speak_with(data: Path, model: str) -> None:
    with closing(sqlite3.connect(data / "avatarium.db")) as connection, connection:
        connection.execute("UPDATE avatars SET ai_model = ?", (model,))


async def test_a_crash_interrupts_a_reply_which_keeps_its_words_and_can_go_on(tmp_path: Path) -> None:
    port = free_port()
    async with running_upstream() as upstream, page_of(f"http://127.0.0.1:{port}") as page:
        settings = {"AVATARIUM_PORT": str(port), "GROQ_API_KEY": "key", "GROQ_API_BASE": upstream.url}
        async with avatarium(tmp_path, **settings) as server:
            speak_with(tmp_path, "stall")
            await page.goto(f"{server.url}/a/DemoAvatar1")
            await page.get_by_role("textbox").fill("Talk")
            await page.get_by_role("textbox").press("Enter")
            await expect(page.get_by_text("token token token")).to_be_visible()
            server.process.kill()
            await expect(page.get_by_text("Reconnecting")).to_be_visible()
            heard = await page.get_by_text("token token token").inner_text()
        speak_with(tmp_path, "whole")
        async with avatarium(tmp_path, **settings):
            await expect(page.get_by_text("This reply was interrupted.")).to_be_visible(timeout=PATIENCE_MS)
            await expect(page.get_by_text("Stopped.")).to_have_count(0)
            assert (await page.get_by_text("token token token").inner_text()).startswith(heard.strip())
            await expect(page.get_by_role("button", name="Retry")).to_be_visible()
            await page.get_by_role("button", name="Continue").click()
            await expect(page.get_by_text("Please go on.")).to_be_visible()
            await expect(page.get_by_text(TEXT)).to_be_visible()
            assert upstream.last.body["messages"][-1]["content"] == "Please go on."


async def test_the_printed_link_signs_in(server: Avatarium, page: Page) -> None:
    link = server.link
    await page.goto(link)
    await expect(page.get_by_text("demo@localhost")).to_be_visible()
    await expect(page.get_by_role("link", name="Ava").first).to_be_visible()
    assert "token" not in page.url


async def test_a_link_of_somebody_else_asks_and_one_that_is_refused_signs_nobody_out(
    server: Avatarium, page: Page
) -> None:
    await page.goto(server.link)
    await expect(page.get_by_text("demo@localhost")).to_be_visible()
    for title, token in (("refused", "rubbish"), ("expired", token_of(server, "eve@example.com", minutes=-1))):
        await page.goto(f"{server.url}/sign-in#token={token}")
        await expect(page.get_by_role("heading", name=title)).to_be_visible()
        await expect(page.get_by_text("make link EMAIL=")).to_be_visible()
        await page.goto(server.url)
        await expect(page.get_by_text("demo@localhost")).to_be_visible()
    for choice, signed_in in (
        ("Stay signed in as demo@localhost", "demo@localhost"),
        ("Sign in as eve@example.com", "eve@example.com"),
    ):
        await page.goto(f"{server.url}/sign-in#token={token_of(server, 'eve@example.com', minutes=60)}")
        await page.get_by_role("button", name=choice).click()
        await expect(page.get_by_text(signed_in)).to_be_visible()


async def test_a_long_address_fits_a_small_phone(server: Avatarium, page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 568})
    await page.goto(server.link)
    await expect(page.get_by_text("demo@localhost")).to_be_visible()
    address = "somebodywithaverylongname@department.example.com"
    await page.goto(f"{server.url}/sign-in#token={token_of(server, address, minutes=60)}")
    await expect(page.get_by_role("button", name=address)).to_be_visible()
    left, right = await page.evaluate(WIDEST)
    assert 0 <= left < right <= 320


async def test_what_a_link_leaves_in_the_browser_outlives_the_link(server: Avatarium, page: Page) -> None:
    link = server.link
    await page.goto(link)
    await expect(page.get_by_text("demo@localhost")).to_be_visible()
    kept = await page.evaluate("localStorage.getItem('avatarium.token')")
    assert timedelta(days=29) < life_of(kept) <= timedelta(days=30)
    assert life_of(link.partition("#token=")[2]) == timedelta(hours=1)


def token_of(server: Avatarium, email: str, minutes: int) -> str:
    """Of a link for `email` that works for so long."""
    signer = LocalSignIn((server.data / "secret.key").read_text().strip(), SystemClock())
    return signer.issue(email, timedelta(minutes=minutes), link=True)


def life_of(token: str) -> timedelta:
    claims = jwt.decode(token, options={"verify_signature": False})
    return timedelta(seconds=claims["exp"] - claims["iat"])


WIDEST = """() => {
  const boxes = [...document.querySelectorAll("main *")].map((element) => element.getBoundingClientRect());
  return [Math.min(...boxes.map((box) => box.left)), Math.max(...boxes.map((box) => box.right))];
}"""
FROM_ANOTHER_SITE = """async (url) => {
  const avatar = await fetch(url + "/v1/public/avatar/DemoAvatar1", { headers: { "X-Preflighted": "yes" } });
  const { data, error } = await avatar.json();
  const started = await fetch(url + "/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: `mutation { startSession(input: {shortId: "DemoAvatar1"}) { session { id } } }` }),
  });
  const { errors } = await started.json();
  const socket = new WebSocket(url.replace("http", "ws") + "/v1/public/avatar/DemoAvatar1/ws");
  socket.onopen = () => socket.send('{"type": "ping"}');
  const frame = await new Promise((resolve) => (socket.onmessage = ({ data }) => resolve(JSON.parse(data))));
  return [data?.name ?? error.code, errors?.[0].extensions.code ?? "started", frame.code ?? frame.type];
}"""


async def test_a_page_of_another_site_talks_until_the_owner_forbids_it(server: Avatarium, page: Page) -> None:
    assert page.context.browser
    shop = await page.context.browser.new_page()
    shop.set_default_timeout(LONG)
    # Another origin on this machine, and a page without a policy of its own: browsers keep others from loopback.
    await shop.goto(server.url.replace("127.0.0.1", "localhost") + "/v1/health")
    assert await shop.evaluate(FROM_ANOTHER_SITE, server.url) == ["Ava", "started", "pong"]
    token = server.link.partition("token=")[2]
    async with (
        aiohttp.ClientSession(server.url, headers={"Authorization": f"Bearer {token}"}) as owner,
        owner.patch("/v1/consumer-avatars/DemoAvatar1", json={"allowEmbedding": False}) as response,
    ):
        assert response.status == 200
    assert await shop.evaluate(FROM_ANOTHER_SITE, server.url) == ["FORBIDDEN"] * 3
    await page.goto(f"{server.url}/a/DemoAvatar1")
    await expect(page.get_by_role("textbox")).to_be_visible()


async def test_an_unknown_avatar_is_said_to_be_unknown(server: Avatarium, page: Page) -> None:
    await page.goto(f"{server.url}/a/AAAAAAAAAAA")
    await expect(page.get_by_role("heading")).to_be_visible()
    await expect(page.get_by_role("textbox")).to_have_count(0)
