"""The composition root: settings, adapters, services, doors, and the command line.

What takes long to import is imported inside the functions that need it: the port answers first.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING
from uuid import uuid4

from adapters.observing.logs import log_to_stderr
from adapters.operating.command_line import addresses, arguments, printed
from adapters.operating.safety import refuse_unsafe
from adapters.settings.settings import Settings, SettingsError, environment, load
from domain.errors import AvatariumError
from domain.knowledge.ports import KnowledgeNews
from domain.network.origins import foreign_site
from domain.ports import Clock
from domain.tables import Store
from resolvers.context import Context, Services
from resolvers.demo import DEMO_EMAIL, DEMO_SHORT_ID, ensure_demo
from resolvers.indexing.building import IndexingPorts
from resolvers.indexing.source import DocumentSource

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import ASGIApp, Scope

    from adapters.observing.metrics import Metrics

WHAT_TAKES_LONG = (
    *("adapters.ai.models", "adapters.database.store", "adapters.embedding.embedders", "adapters.fetching.web"),
    *("adapters.reading.process", "adapters.vectors.chroma_vectors", "adapters.words.lexicon"),
    *("compatibility", "schema.door", "web.pages"),
    # Starlette would have anyio load it amid the first upload.
    "anyio._backends._asyncio",
)


@asynccontextmanager
async def open_services(settings: Settings, metrics: "Metrics | None" = None) -> AsyncIterator[Services]:
    """Opens every room, and closes them in reverse."""
    from adapters.ai.models import open_models
    from adapters.database.store import open_store
    from adapters.memory.room import open_memory
    from adapters.observing.measured_store import measured
    from adapters.observing.telemetry import open_telemetry
    from adapters.operating.manual import manual
    from adapters.system_clock import SystemClock
    from adapters.trust.room import open_trust
    from resolvers.answering.answer import AnsweringPorts
    from resolvers.answering.recall import Recall
    from resolvers.answering.speakers.default import default_speaker
    from resolvers.answering.turns import Turns
    from resolvers.indexing.handlers import open_indexing
    from resolvers.jobs import Workers
    from resolvers.probe import Probe

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        opened = stack.enter_async_context
        telemetry = await opened(open_telemetry(settings, metrics, clock))
        store = measured(await opened(open_store(settings.database_url.get_secret_value())), metrics)
        memory, trust = await opened(open_memory(clock)), await opened(open_trust(settings, clock))
        models = await opened(open_models(settings))
        indexing = await opened(open_indexing_ports(settings, clock, store, memory.news))
        recall = Recall(store, indexing.embedders, indexing.vectors)
        speaker = default_speaker(clock, models, trust.vault, settings.patience, recall)
        turns = Turns(AnsweringPorts(clock, store, memory.replies, telemetry, speaker))
        await opened(turns.running())
        if settings.demo:
            await ensure_demo(store, clock, settings.public_url, manual())
        workers = await opened(Workers(clock, store, await opened(open_indexing(indexing))).running())
        yield Services(
            settings.public_url, clock, store, memory.replies, models, trust.vault, trust.sign_in,
            memory.limiter, telemetry, turns, workers, recall, memory.news, Probe(clock, store),
        )  # fmt: skip


@asynccontextmanager
async def open_indexing_ports(
    settings: Settings, clock: Clock, store: Store, news: KnowledgeNews
) -> AsyncIterator[IndexingPorts]:
    """The rooms that only knowledge needs."""
    from adapters.embedding.embedders import open_embedders
    from adapters.fetching.web import open_web
    from adapters.reading.process import open_readers
    from adapters.vectors.chroma_vectors import open_vectors
    from adapters.words.lexicon import open_lexicon

    async with (
        open_web(settings, clock) as web,
        open_readers() as reader,
        open_lexicon() as lexicon,
        open_embedders(settings) as embedders,
        open_vectors(settings.vectors_dir, settings.chroma_url, clock) as vectors,
    ):
        source = DocumentSource(web.fetcher, web.robots, reader)
        yield IndexingPorts(clock, store, lexicon, embedders, vectors, news, source)


def build(services: Services, settings: Settings, metrics: "Metrics | None" = None) -> "ASGIApp":
    """The doors over the given services."""
    from starlette.routing import Mount, Route, WebSocketRoute

    import compatibility
    from adapters.observing.metrics import metrics_routes
    from adapters.serving.access_log import AccessLog
    from adapters.serving.asgi import application
    from resolvers import avatars
    from schema.door import GraphQLDoor
    from schema.engine.context import bearer
    from web import pages
    from web.documents import documents

    def make_context(scope: "Scope", headers: "Headers") -> Context:
        client = scope.get("client") or ("unknown", 0)
        site = foreign_site(headers.get("origin"), headers.get("host"), services.public_url)
        return Context(services, str(uuid4()), client[0], bearer(headers.get("authorization")), site)

    async def may_embed(short_id: str) -> bool:
        return await avatars.may_embed(Context(services, str(uuid4()), "unknown"), short_id)

    at_home = settings.development or settings.is_local
    graphql = GraphQLDoor(pages.graphiql_page if at_home else None, open_schema=at_home, documents=documents())
    app = application(
        [
            Route("/ready", compatibility.ready),
            *metrics_routes(metrics, settings.metrics_token),
            Route("/graphql", graphql),
            WebSocketRoute("/graphql", graphql),
            Mount("/v1", routes=compatibility.routes()),
            *pages.routes(at_home, may_embed),
        ],
        make_context=make_context,
        headers_of=compatibility.context_headers,
        on_error=compatibility.on_error,
        answers_to=settings.answers_to,
        is_stopping=lambda: services.turns.closing,
        max_body_bytes=settings.max_body_bytes,
    )
    return AccessLog(app, metrics)


def serve(settings: Settings) -> int:
    """Listens, then opens everything else; returns the process's exit code."""
    from adapters.serving.uvicorn_server import calm_garbage_collection, run

    opened: list[Services] = []

    @asynccontextmanager
    async def open_app() -> "AsyncIterator[ASGIApp]":
        for module in WHAT_TAKES_LONG:
            await asyncio.to_thread(import_module, module)
        from adapters.observing.metrics import Metrics
        from adapters.trust.local import sign_in_link

        metrics = Metrics() if settings.metrics_token else None
        async with open_services(settings, metrics) as services:
            opened.append(services)
            app = build(services, settings, metrics)
            calm_garbage_collection()
            print(addresses(settings, f"/a/{DEMO_SHORT_ID}", sign_in_link(settings, DEMO_EMAIL)), flush=True)
            yield app

    async def drain(seconds: float) -> None:
        for services in opened:
            await services.turns.close(seconds)

    failure = run(open_app, drain, settings)
    if failure:
        print(f"avatarium could not start: {failure}", file=sys.stderr)
    return 1 if failure else 0


def main() -> None:
    given = arguments()
    try:
        settings = load()
        log_to_stderr(settings.log_level, settings.log_format)
        if given.command == "doctor":
            sys.exit(import_module("adapters.operating.doctor").examine(settings))
        refuse_unsafe(settings, environment())
        if given.command != "serve":
            sys.exit(print(printed(settings, given)))
        sys.exit(serve(settings))
    except (SettingsError, AvatariumError) as error:
        sys.exit(f"avatarium: {error}")


if __name__ == "__main__":
    main()
