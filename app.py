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
from domain.network.origins import foreign_site

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import ASGIApp, Scope

    from adapters.observing.metrics import Metrics
    from domain.ports import Clock
    from domain.tables import Store
    from resolvers.context import Services


@asynccontextmanager
async def open_services(settings: Settings, metrics: "Metrics | None" = None) -> "AsyncIterator[Services]":
    """Opens every adapter, and closes them in reverse."""
    from adapters.ai.models import AiModels
    from adapters.database.store import open_store
    from adapters.document_parts import open_documents
    from adapters.memory.limiter import LimitsLimiter
    from adapters.memory.news import MemoryNews
    from adapters.memory.replies import MemoryReplies
    from adapters.observing.measured_store import measured
    from adapters.observing.telemetry import open_telemetry
    from adapters.system_clock import SystemClock
    from adapters.trust.secret_key import secrets_of
    from adapters.trust.sign_in import open_sign_in
    from adapters.trust.vault import FernetVault
    from domain.failover import ProviderHealth
    from resolvers.answering.answer import AnsweringPorts
    from resolvers.answering.recall import Recall
    from resolvers.answering.turns import Turns
    from resolvers.context import Services
    from resolvers.indexing.building import IndexingPorts
    from resolvers.indexing.handlers import open_indexing
    from resolvers.indexing.source import DocumentSource
    from resolvers.jobs import Workers

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    clock, secrets = SystemClock(), secrets_of(settings)
    async with AsyncExitStack() as stack:
        telemetry = await stack.enter_async_context(open_telemetry(settings, metrics, clock))
        store = measured(await stack.enter_async_context(open_store(settings.database_url.get_secret_value())), metrics)
        ai = AiModels(
            settings.provider_keys, settings.provider_bases,
            connect_timeout=settings.ai_connect_timeout, private_hosts=settings.allow_private_hosts,
        )  # fmt: skip
        models = await stack.enter_async_context(ai)
        sign_in = await stack.enter_async_context(open_sign_in(settings, secrets[0], clock))
        replies, vault, news = MemoryReplies(clock), FernetVault(secrets), MemoryNews()
        parts = await stack.enter_async_context(open_documents(settings, clock))
        recall = Recall(store, parts.embedders, parts.vectors)
        turns = Turns(
            AnsweringPorts(
                clock, store, replies, models, vault, ProviderHealth(clock), settings.patience, telemetry, recall
            )
        )
        await stack.enter_async_context(turns.running())
        await make_demo(settings, store, clock)
        indexing = IndexingPorts(
            clock, store, parts.lexicon, parts.embedders, parts.vectors, news,
            DocumentSource(parts.fetcher, parts.robots, parts.reader),
        )  # fmt: skip
        handlers = await stack.enter_async_context(open_indexing(indexing))
        workers = await stack.enter_async_context(Workers(clock, store, handlers).running())
        yield Services(
            settings.public_url, clock, store, replies, models, vault, sign_in,
            LimitsLimiter(clock), telemetry, turns, workers, recall, news,
        )  # fmt: skip


async def make_demo(settings: Settings, store: "Store", clock: "Clock") -> None:
    from adapters.operating.manual import manual
    from resolvers.demo import ensure_demo

    if settings.demo:
        await ensure_demo(store, clock, settings.public_url, manual())


def build(services: "Services", settings: Settings, metrics: "Metrics | None" = None) -> "ASGIApp":
    """The doors over the given services."""
    from starlette.routing import Mount, Route, WebSocketRoute

    import compatibility
    from adapters.observing.metrics import metrics_routes
    from adapters.serving.access_log import AccessLog
    from adapters.serving.asgi import application
    from resolvers import avatars
    from resolvers.context import Context
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
        max_body_bytes=settings.max_body_bytes,
    )
    return AccessLog(app, metrics)


def serve(settings: Settings) -> int:
    """Listens, then opens everything else; returns the process's exit code."""
    from adapters.serving.uvicorn_server import calm_garbage_collection, run

    opened: list[Services] = []

    @asynccontextmanager
    async def open_app() -> "AsyncIterator[ASGIApp]":
        await asyncio.to_thread(import_everything)
        from adapters.observing.metrics import Metrics

        metrics = Metrics() if settings.metrics_token else None
        async with open_services(settings, metrics) as services:
            opened.append(services)
            app = build(services, settings, metrics)
            calm_garbage_collection()
            announce(settings)
            yield app

    async def drain() -> None:
        for services in opened:
            await services.turns.close()

    failure = run(
        open_app,
        drain,
        host=settings.host,
        port=settings.port,
        trusted_proxies=[str(network) for network in settings.trusted_proxies],
    )
    if failure:
        print(f"avatarium could not start: {failure}", file=sys.stderr)
    return 1 if failure else 0


def import_everything() -> None:
    """Imports what `open_services` and `build` need, for a thread while the port already answers."""
    doors = ("compatibility", "schema.door", "web.pages")
    # Starlette would have anyio load it amid the first upload.
    threads = "anyio._backends._asyncio"
    for module in ("adapters.database.store", "adapters.ai.models", "adapters.document_parts", threads, *doors):
        import_module(module)


def announce(settings: Settings) -> None:
    from adapters.trust.local import sign_in_link
    from resolvers.demo import DEMO_EMAIL, DEMO_SHORT_ID

    demo = f"{settings.public_url}/a/{DEMO_SHORT_ID}" if settings.demo else None
    print(addresses(settings.public_url, demo, sign_in_link(settings, DEMO_EMAIL)), flush=True)


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
