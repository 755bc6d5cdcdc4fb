"""The composition root: settings, adapters, services, doors, and the command line.

What takes long to import is imported inside the functions that need it: the port answers first.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING
from uuid import uuid4

from adapters.safety import refuse_unsafe
from adapters.settings import Settings, SettingsError, environment, load
from domain.errors import AvatariumError

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import ASGIApp, Receive, Scope, Send

    from resolvers.context import Context, Services

TOKEN_LIFETIME = timedelta(days=30)
LINK_LIFETIME = timedelta(days=7)
log = logging.getLogger("avatarium.start")


def secrets_of(settings: Settings) -> Sequence[str]:
    from adapters.secret_key import read_or_create

    return settings.secrets or (read_or_create(settings.data_dir),)


@asynccontextmanager
async def open_services(settings: Settings) -> "AsyncIterator[Services]":
    """Opens every adapter, and closes them in reverse."""
    from adapters.ai_models import AiModels
    from adapters.fernet_vault import FernetVault
    from adapters.firebase_sign_in import FirebaseSignIn
    from adapters.limits_limiter import LimitsLimiter
    from adapters.local_sign_in import LocalSignIn
    from adapters.memory_replies import MemoryReplies
    from adapters.sql_store import open_store
    from adapters.system_clock import SystemClock
    from domain.failover import Health
    from resolvers.context import Services
    from resolvers.demo import ensure_demo
    from resolvers.speaking import Stage
    from resolvers.turns import Turns

    clock, secrets = SystemClock(), secrets_of(settings)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.database_url.get_secret_value()))
        models = await stack.enter_async_context(
            AiModels(
                settings.provider_keys,
                settings.provider_bases,
                connect_timeout=settings.ai_connect_timeout,
                allowed_hosts=settings.allow_private_hosts,
            )
        )
        replies, vault = MemoryReplies(clock), FernetVault(secrets)
        turns = Turns(Stage(clock, store, replies, models, vault, Health(clock), settings.patience))
        await turns.recover()
        await ensure_demo(store, clock, settings.public_url)
        sweeping = asyncio.create_task(turns.keep_sweeping())
        stack.callback(sweeping.cancel)
        stack.push_async_callback(turns.close)
        firebase = settings.firebase_project_id
        yield Services(
            public_url=settings.public_url,
            clock=clock,
            store=store,
            replies=replies,
            models=models,
            vault=vault,
            sign_in=FirebaseSignIn(firebase) if firebase else LocalSignIn(secrets[0], clock),
            limiter=LimitsLimiter(clock),
            turns=turns,
        )


def build(services: "Services", settings: Settings) -> "ASGIApp":
    """The doors over the given services."""
    from starlette.exceptions import HTTPException
    from starlette.middleware.cors import CORSMiddleware
    from starlette.middleware.exceptions import ExceptionMiddleware
    from starlette.routing import Mount, Route, Router

    import compatibility
    from adapters.asgi import BodyLimit, RequestContext
    from resolvers import avatars
    from resolvers.context import Context
    from schema.context import bearer
    from schema.door import GraphQLDoor
    from web import pages

    def make_context(scope: "Scope", headers: "Headers") -> Context:
        client = scope.get("client") or ("unknown", 0)
        return Context(services, str(uuid4()), client[0], bearer(headers.get("authorization")))

    async def may_embed(short_id: str) -> bool:
        return await avatars.may_embed(Context(services, str(uuid4()), "unknown"), short_id)

    graphiql = settings.development or settings.is_local
    router = Router(
        [
            Route("/graphql", GraphQLDoor(pages.graphiql_page if graphiql else None)),
            Mount("/v1", routes=compatibility.routes()),
            *pages.routes(graphiql, may_embed),
        ]
    )
    guarded = ExceptionMiddleware(
        BodyLimit(router, settings.max_body_bytes),
        handlers=dict.fromkeys((HTTPException, AvatariumError, Exception), compatibility.on_error),
    )
    shared = CORSMiddleware(
        guarded, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"], expose_headers=["*"]
    )
    return RequestContext(shared, make_context, compatibility.context_headers)


def serve(settings: Settings) -> int:
    """Listens, then opens everything else; returns the process's exit code."""
    from adapters.listen_first import ListenFirst
    from adapters.uvicorn_server import Server, calm_garbage_collection, config

    opened: list[Services] = []
    failures: list[BaseException] = []

    @asynccontextmanager
    async def open_app() -> "AsyncIterator[ASGIApp]":
        await asyncio.to_thread(import_everything)
        async with open_services(settings) as services:
            opened.append(services)
            app = build(services, settings)
            calm_garbage_collection()
            announce(settings)
            yield app

    async def drain() -> None:
        for services in opened:
            await services.turns.close()

    def fail(error: BaseException) -> None:
        failures.append(error)
        server.should_exit = True

    server = Server(
        config(
            ListenFirst(open_app, fail),
            host=settings.host,
            port=settings.port,
            log_level=settings.log_level,
            trusted_proxies=[str(network) for network in settings.trusted_proxies],
        ),
        drain,
    )
    server.run()
    for failure in failures:
        print(f"avatarium could not start: {failure}", file=sys.stderr)
    return 1 if failures or not server.started else 0


def import_everything() -> None:
    """Imports what `open_services` and `build` need, for a thread while the port already answers."""
    for module in ("adapters.sql_store", "adapters.ai_models", "compatibility", "schema.door", "web.pages"):
        import_module(module)


def announce(settings: Settings) -> None:
    from resolvers.demo import DEMO_EMAIL, DEMO_SHORT_ID

    lines = [
        "",
        f"  Avatarium      {settings.public_url}",
        f"  Demo avatar    {settings.public_url}/a/{DEMO_SHORT_ID}",
        f"  GraphQL        {settings.public_url}/graphql",
        f"  REST           {settings.public_url}/v1",
    ]
    if not settings.firebase_project_id:
        lines += ["", f"  Sign in        {link(settings, DEMO_EMAIL)}"]
    print("\n".join([*lines, ""]), flush=True)


def link(settings: Settings, email: str) -> str:
    from adapters.local_sign_in import LocalSignIn, sign_in_link
    from adapters.system_clock import SystemClock

    sign_in = LocalSignIn(secrets_of(settings)[0], SystemClock())
    return sign_in_link(settings.public_url, sign_in.issue(email, LINK_LIFETIME))


def token(settings: Settings, email: str) -> int:
    from adapters.local_sign_in import LocalSignIn
    from adapters.system_clock import SystemClock

    if settings.firebase_project_id:
        print("Sign-in goes through Firebase here: get an ID token there.", file=sys.stderr)
        return 1
    print(LocalSignIn(secrets_of(settings)[0], SystemClock()).issue(email, TOKEN_LIFETIME))
    return 0


def doctor(settings: Settings) -> int:
    from adapters.doctor import Level, render, report

    findings = asyncio.run(report(settings))
    print(render(findings))
    return 1 if any(finding.level is Level.PROBLEM for finding in findings) else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="avatarium", description="Talking 3D avatars for any web site.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run the server")
    commands.add_parser("token", help="print a bearer token for local sign-in").add_argument("--email", required=True)
    commands.add_parser("doctor", help="say what is configured, what is missing, and what would fail")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    try:
        settings = load()
        if given.command != "doctor":
            refuse_unsafe(settings, environment())
        logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
        if given.command == "serve":
            sys.exit(serve(settings))
        sys.exit(token(settings, given.email) if given.command == "token" else doctor(settings))
    except (SettingsError, AvatariumError) as error:
        sys.exit(f"avatarium: {error}")


if __name__ == "__main__":
    main()
