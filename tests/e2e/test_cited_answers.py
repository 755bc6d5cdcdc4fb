"""Answers with their sources, through every door: a page, a PDF and a text that the server has really indexed."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio

from tests.doors.doors import DOORS, Answer, Door
from tests.e2e.owners import Owner, from_elsewhere, owner_at
from tests.e2e.process import Avatarium, avatarium
from tests.parts.documents import PAGE, pdf
from tests.parts.site import Site, running_site
from tests.parts.upstream import CITING, Upstream, running_upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

PDF = pdf("A parcel within the city takes two days.", "A parcel to the islands costs seven euros more.")
PARKING = "Visitors park their cars behind the bakery, free of charge."
UNANSWERABLE = "Who won the football championship of 1994?"
CITED = CITING.replace(" [9]", "")


@dataclass(frozen=True)
class Case:
    question: str
    words: str
    title: str
    path: str | None = None
    page: int | None = None


CASES = (
    Case("When is the bakery open?", "from nine to five", "Opening hours - Ravenna Bakery", path="/hours"),
    Case("What does a parcel to the islands cost?", "seven euros more", "Parcels", page=2),
    Case("Where can visitors park their cars?", PARKING, "Parking"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Site]:
    async with running_site() as site:
        site.add("/hours", PAGE.encode())
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with running_upstream() as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(site: Site, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Avatarium]:
    settings = {
        "AVATARIUM_DEMO": "false",
        "AVATARIUM_ALLOW_PRIVATE_HOSTS": site.pair,
        "GROQ_API_BASE": upstream.url,
    }
    async with avatarium(tmp_path_factory.mktemp("data"), **settings) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def owner(server: Avatarium) -> AsyncIterator[Owner]:
    async with owner_at(server) as owner:
        yield owner


@pytest_asyncio.fixture(loop_scope="module", params=DOORS, ids=lambda kind: kind.__name__)
async def door(request: pytest.FixtureRequest, server: Avatarium) -> AsyncIterator[Door]:
    async with aiohttp.ClientSession(connector=from_elsewhere()) as http:
        yield request.param(server.url, http)


async def taught(owner: Owner, short_id: str, site: Site) -> list[str]:
    """The ids of the items, once all of them are ready."""
    form = aiohttp.FormData({"title": "Parcels"})
    form.add_field("file", PDF, filename="parcels.pdf", content_type="application/pdf")
    items = [
        await owner.add(short_id, json={"type": "url", "url": f"{site.origin}/hours"}),
        await owner.add(short_id, data=form),
        await owner.add(short_id, json={"type": "text", "title": "Parking", "content": PARKING}),
    ]
    await owner.ready(short_id)
    return items


async def asked(door: Door, short_id: str, question: str) -> Answer:
    """In a conversation of its own."""
    return await door.say(short_id, await door.start(short_id), question)


def check_sources(answer: Answer, case: Case, site: Site) -> None:
    first, *_ = answer.sources
    url = site.origin + case.path if case.path else None
    assert (first["title"], first["number"], first["url"], first["page"]) == (case.title, 1, url, case.page)
    for source in answer.sources:
        assert 0 < source["relevance"] <= 1
        assert f"[{source['number']}]" in answer.text


async def check_conversation(owner: Owner, door: Door, short_id: str, site: Site, words: Callable[[Case], str]) -> None:
    items = await taught(owner, short_id, site)
    for case in CASES:
        answer = await asked(door, short_id, case.question)
        assert words(case) in answer.text
        check_sources(answer, case, site)
    unanswered = await asked(door, short_id, UNANSWERABLE)
    assert unanswered.sources == ()
    assert "[" not in unanswered.text
    for item in items:
        await owner.delete(short_id, item)
    for case in CASES:
        answer = await asked(door, short_id, case.question)
        assert answer.sources == ()
        assert case.words not in answer.text


async def test_the_built_in_answerer_quotes_its_sources(owner: Owner, door: Door, site: Site) -> None:
    await check_conversation(owner, door, await owner.create(), site, lambda case: case.words)


async def test_a_model_has_the_sources_that_it_cites_and_no_others(
    owner: Owner, door: Door, site: Site, upstream: Upstream
) -> None:
    short_id = await owner.create(aiProvider="groq", aiModel="cites", aiApiKey="own-key")
    before = len(upstream.requests)
    await check_conversation(owner, door, short_id, site, lambda _: CITED)
    prompts = [request.body["messages"][0]["content"] for request in upstream.requests[before:]]
    assert [case.words in prompt for case, prompt in zip(CASES, prompts, strict=False)] == [True] * len(CASES)


async def test_nothing_went_wrong_and_no_word_is_printed(server: Avatarium) -> None:
    assert await server.leaks("own-key", "parcel", "football", "free of charge") == []
