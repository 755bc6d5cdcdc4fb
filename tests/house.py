"""The whole house over fakes and a fresh database: every port that a test does not bring itself."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from adapters.memory.limiter import MemoryLimiter
from adapters.memory.news import MemoryNews
from adapters.memory.replies import MemoryReplies
from domain.ai.providers import Patience
from domain.jobs import Lane
from domain.knowledge.ports import Embedders, Fetcher, Reader, Robots, Vectors
from domain.ports import Clock, Limiter, Models, ReplyLog, SignIn, Speaker, Telemetry, Vault
from domain.tables import Store
from resolvers.answering.answer import AnsweringPorts
from resolvers.answering.recall import Recall
from resolvers.answering.speakers.default import default_speaker
from resolvers.answering.turns import Turns
from resolvers.context import Services
from resolvers.indexing.building import IndexingPorts
from resolvers.indexing.handlers import handlers
from resolvers.indexing.models import ModelWatch
from resolvers.indexing.source import DocumentSource
from resolvers.jobs import LANES, Workers
from resolvers.probe import Probe
from tests.fakes.clock import FakeClock
from tests.fakes.embedder import BagOfWords, FakeEmbedders
from tests.fakes.fetcher import FakeFetcher, FakeRobots
from tests.fakes.lexicon import FakeLexicon
from tests.fakes.models import ScriptedModels
from tests.fakes.paragraphs import ParagraphReader
from tests.fakes.sign_in import FakeSignIn
from tests.fakes.telemetry import FakeTelemetry
from tests.fakes.vault import FakeVault
from tests.fakes.vectors import MemoryVectors
from tests.parts.sqlite import new_store

PUBLIC_URL = "https://avatarium.ai"


@asynccontextmanager
async def services(
    *,
    public_url: str = PUBLIC_URL,
    clock: Clock | None = None,
    store: Store | None = None,
    replies: ReplyLog | None = None,
    models: Models | None = None,
    vault: Vault | None = None,
    sign_in: SignIn | None = None,
    limiter: Limiter | None = None,
    telemetry: Telemetry | None = None,
    patience: Patience | None = None,
    speaker: Speaker | None = None,
    embedders: Embedders | None = None,
    vectors: Vectors | None = None,
    fetcher: Fetcher | None = None,
    robots: Robots | None = None,
    reader: Reader | None = None,
    lanes: Mapping[Lane, int] = LANES,
    indexing: bool = False,
) -> AsyncIterator[Services]:
    """Services over the given ports, and over fakes and a fresh database for the others. Stops every turn at its end.

    Knowledge that is added is indexed only with `indexing`.
    """
    async with AsyncExitStack() as stack:
        if store is None:
            store = await stack.enter_async_context(new_store())
        clock = clock or FakeClock()
        replies = replies or MemoryReplies(clock)
        models, vault = models or ScriptedModels(), vault or FakeVault()
        telemetry = telemetry or FakeTelemetry()
        embedders, vectors = embedders or FakeEmbedders(BagOfWords()), vectors or MemoryVectors()
        news, recall = MemoryNews(), Recall(store, embedders, vectors)
        speaker = speaker or default_speaker(clock, models, vault, patience or Patience(), recall)
        turns = Turns(AnsweringPorts(clock, store, replies, telemetry, speaker))
        source = DocumentSource(
            fetcher or FakeFetcher(), robots or FakeRobots(), reader or ParagraphReader(), pause=lambda _: 0
        )
        indexing_ports = IndexingPorts(clock, store, FakeLexicon(), embedders, vectors, news, source)
        workers = Workers(clock, store, handlers(indexing_ports, ModelWatch(clock, store, embedders, vectors)), lanes)
        stack.push_async_callback(turns.close)
        if indexing:
            await stack.enter_async_context(workers.running())
        yield Services(
            public_url=public_url,
            clock=clock,
            store=store,
            replies=replies,
            models=models,
            vault=vault,
            sign_in=sign_in or FakeSignIn(),
            limiter=limiter or MemoryLimiter(clock),
            telemetry=telemetry,
            turns=turns,
            workers=workers,
            recall=recall,
            news=news,
            probe=Probe(clock, store),
        )
