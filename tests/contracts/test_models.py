"""What every road to a model promises: the fake, the aiohttp road and the LiteLLM road."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import aiohttp
import httpx
import pytest

from adapters.ai.litellm_planner import LitellmPlanner, plain_plan
from adapters.ai.litellm_stream import Dialect, LitellmCall, LitellmStream
from adapters.ai.models import AiModels, request
from adapters.ai.openai_stream import OpenAiStream, open_session
from domain.ai.models import Candidate
from domain.ai.prompts import Prompt, Utterance
from domain.ai.providers import Delta, TextDelta, TokenCount
from domain.avatars import AiProvider
from domain.errors import ProviderFailure
from domain.ports import Models
from domain.sessions import Role
from tests.fakes.models import ScriptedModels
from tests.parts import upstream as upstream_part
from tests.parts.aimock import Aimock, fails, running_aimock, says
from tests.parts.line import line_to
from tests.parts.upstream import Upstream, running_upstream

if TYPE_CHECKING:
    from adapters.ai.litellm_transport import WatchedTransport

KEY = "sk-very-secret"
PROMPT = Prompt(
    "You are Ada.",
    (Utterance(Role.USER, "Hello"), Utterance(Role.ASSISTANT, "Hi!"), Utterance(Role.USER, "Who are you?")),
)
WORDS = "Grüße aus Zürich! 今日は、世界。 😀 That is all."
COUNT = TokenCount(10, 5)
STATUSES = (400, 401, 403, 404, 429, 500, 503)
SOME_CHUNKS_AND_NO_MORE = {"interChunkDelaysMs": [0, 0, 0, 10**9]}
FIXTURES = [
    says("whole", WORDS),
    says("half", WORDS, recordedTimings=SOME_CHUNKS_AND_NO_MORE),
    *(fails(str(status), status) for status in STATUSES),
]
MANAGED = [AiProvider.OPENAI, AiProvider.GROQ, AiProvider.XAI, AiProvider.ANTHROPIC, AiProvider.GOOGLE]


@dataclass(frozen=True)
class Road:
    """`candidate` is whom to ask there; its name is replaced by that of a behaviour: `whole`, `half`, `404` …"""

    models: Models
    candidate: Candidate
    cut: Callable[[], None]
    words: str = WORDS
    count: TokenCount = COUNT

    def stream(self, behaviour: str) -> AsyncGenerator[Delta]:
        return self.models.stream(replace(self.candidate, name=behaviour), PROMPT)

    async def heard(self, behaviour: str) -> tuple[list[Delta], ProviderFailure | None]:
        """All deltas, and how it ended. Of `half` the line is cut when something was heard."""
        deltas: list[Delta] = []
        try:
            async for delta in self.stream(behaviour):
                deltas.append(delta)
                if behaviour == "half":
                    self.cut()
        except ProviderFailure as failure:
            return deltas, failure
        return deltas, None


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


@pytest.fixture(scope="module")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    with running_aimock(tmp_path_factory.mktemp("aimock"), FIXTURES) as server:
        yield server


@pytest.fixture
async def upstream() -> AsyncGenerator[Upstream]:
    async with running_upstream() as server:
        yield server


@pytest.fixture(params=["fake", "upstream", *AiProvider])
async def road(request: pytest.FixtureRequest, aimock: Aimock, upstream: Upstream) -> AsyncGenerator[Road]:
    """`upstream` and a provider's name: the real adapter, against that server or against aimock."""
    if request.param == "fake":
        yield Road(scripted(), Candidate(AiProvider.OPENAI, ""), lambda: None)
        return
    upstream.may_cut.clear()
    far = upstream.url if request.param == "upstream" else aimock.base(request.param)
    provider = AiProvider.CUSTOM if request.param == "upstream" else AiProvider(request.param)
    async with line_to(far) as line, models_at(line.url) as models:
        candidate = Candidate(provider, "", base_url=line.url if provider is AiProvider.CUSTOM else None)
        if request.param == "upstream":
            yield Road(models, candidate, line.cut, upstream_part.TEXT, TokenCount(upstream_part.PROMPT_TOKENS, 13))
        else:
            yield Road(models, candidate, line.cut)


def models_at(base: str) -> AiModels:
    keys, bases = dict.fromkeys(MANAGED, KEY), dict.fromkeys(MANAGED, base)
    return AiModels(keys, bases, private_hosts=[base.split("/")[2]])


def scripted() -> ScriptedModels:
    models = ScriptedModels(MANAGED)
    models.script("openai/whole", *WORDS, COUNT)
    models.script("openai/half", "Grüße", ProviderFailure("broken_stream"))
    for status in STATUSES:
        refused, wait = status in (400, 401, 403), 1.0 if status == 429 else None
        models.script(f"openai/{status}", ProviderFailure(f"http_{status}", refused=refused, retry_after=wait))
    return models


async def test_a_whole_answer_with_its_count(road: Road) -> None:
    deltas, failure = await road.heard("whole")
    assert failure is None
    assert text_of(deltas) == road.words
    assert [delta for delta in deltas if isinstance(delta, TokenCount)] == [road.count]
    assert deltas[-1] == road.count


async def test_no_piece_is_empty(road: Road) -> None:
    deltas, _ = await road.heard("whole")
    assert TextDelta("") not in deltas


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refusal(road: Road, status: int) -> None:
    deltas, failure = await road.heard(str(status))
    assert deltas == []
    assert failure is not None
    assert (failure.reason, failure.refused) == (f"http_{status}", True)


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_a_failure_that_others_may_not_have(road: Road, status: int) -> None:
    deltas, failure = await road.heard(str(status))
    assert deltas == []
    assert failure is not None
    assert (failure.reason, failure.refused) == (f"http_{status}", False)


async def test_too_many_requests(road: Road) -> None:
    _, failure = await road.heard("429")
    assert failure is not None
    assert (failure.reason, failure.refused) == ("http_429", False)
    assert failure.retry_after is not None


async def test_a_stream_that_breaks_off(road: Road) -> None:
    deltas, failure = await road.heard("half")
    assert text_of(deltas)
    assert failure is not None
    assert (failure.reason, failure.refused) == ("broken_stream", False)


async def test_leaving_early_is_no_failure(road: Road) -> None:
    async with aclosing(road.stream("whole")) as deltas:
        assert isinstance(await anext(deltas), TextDelta)
    assert text_of((await road.heard("whole"))[0]) == road.words


async def test_many_at_once(road: Road) -> None:
    replies = await asyncio.gather(*(road.heard("whole") for _ in range(5)))
    assert {text_of(deltas) for deltas, _ in replies} == {road.words}


async def test_who_is_managed(road: Road) -> None:
    assert road.models.managed() == frozenset(MANAGED)


class OpenAiOverLitellm(LitellmStream):
    """LiteLLM's own client of the OpenAI protocol, which production leaves to the aiohttp road."""

    def _client(self, call: LitellmCall, transport: "WatchedTransport") -> object:
        from openai import AsyncOpenAI

        http = httpx.AsyncClient(transport=transport)
        return AsyncOpenAI(api_key=call.api_key, base_url=call.base, http_client=http, max_retries=0)


# LiteLLM asks Pydantic models in an old way when a stream of the OpenAI protocol counts its tokens.
@pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")
@pytest.mark.parametrize(
    "behaviour", ["whole", "split", "tokens-20", "400", "401", "403", "404", "429", "500", "nodone"]
)
async def test_equal_bytes_are_equal_replies_on_both_roads(upstream: Upstream, behaviour: str) -> None:
    dialect = Dialect("openai", b"[DONE]")
    async with open_session(aiohttp.TCPConnector(), 5.0) as session:
        over_aiohttp = OpenAiStream(session).stream(
            request(plain_plan(behaviour, upstream.url), KEY, behaviour, PROMPT)
        )
        over_litellm = OpenAiOverLitellm(LitellmPlanner(), session).stream(
            LitellmCall(dialect, behaviour, KEY, upstream.url, PROMPT.messages())
        )
        assert await summary(over_aiohttp) == await summary(over_litellm)
    ours, theirs = upstream.requests
    assert (ours.keys, ours.path, ours.body) == (theirs.keys, theirs.path, theirs.body)


async def summary(deltas: AsyncGenerator[Delta]) -> tuple[str, list[TokenCount], tuple[object, ...]]:
    """The text, the counts of tokens, and how it ended."""
    texts: list[str] = []
    counts: list[TokenCount] = []
    try:
        async for delta in deltas:
            if isinstance(delta, TextDelta):
                texts.append(delta.text)
            else:
                counts.append(delta)
    except ProviderFailure as failure:
        return "".join(texts), counts, (failure.reason, failure.refused, failure.retry_after)
    return "".join(texts), counts, ()
