"""The schema: every noun's queries, mutations and subscriptions put together."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import strawberry
from graphql import GraphQLError
from strawberry import relay
from strawberry.extensions import AddValidationRules, MaxTokensLimiter, ParserCache, SchemaExtension, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.accounts import AccountMutation, AccountQuery, find_account
from schema.avatars import AvatarMutation, AvatarQuery, find_avatar
from schema.chat import ChatMutation, ChatSubscription
from schema.context import Info
from schema.enums import OwnSpelling
from schema.errors import show
from schema.ids import parts
from schema.knowledge import find_knowledge, find_passage
from schema.knowledge_operations import KnowledgeMutation, KnowledgeQuery, KnowledgeSubscription
from schema.limits import TOKENS_MAX, CostLimiter, SizeRule
from schema.models import ModelQuery
from schema.pages import PAGE_MAX
from schema.projection import ProjectingExecutor
from schema.runner import LeanRunner
from schema.secrecy import IntrospectionRule, Secrecy
from schema.sessions import SessionMutation, find_message, find_session

FINDERS: dict[str, Callable[[Info, str], Awaitable[relay.Node | None]]] = {
    "Account": find_account,
    "Avatar": find_avatar,
    "Knowledge": find_knowledge,
    "Message": find_message,
    "Passage": find_passage,
    "Session": find_session,
}


@strawberry.type
class Query(AccountQuery, AvatarQuery, KnowledgeQuery, ModelQuery):
    @strawberry.field(description="Anything that has an id of its own; null if there is none that you may see.")
    async def node(self, info: Info, id: strawberry.ID) -> relay.Node | None:
        type_name, key = parts(id)
        find = FINDERS.get(type_name)
        return await find(info, key) if find else None


@strawberry.type
class Mutation(AccountMutation, AvatarMutation, KnowledgeMutation, SessionMutation, ChatMutation):
    pass


@strawberry.type
class Subscription(ChatSubscription, KnowledgeSubscription):
    pass


class Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        for error in errors:
            if execution_context is not None:
                show(error, execution_context.context)

    def create_extensions_runner(
        self, execution_context: ExecutionContext, extensions: list[SchemaExtension]
    ) -> LeanRunner:
        return LeanRunner(execution_context, extensions)


class SafeParserCache(ParserCache):
    """Leaves what cannot be parsed to Strawberry, which tells of it; an error raised here would end a stream untold."""

    def on_parse(self) -> Iterator[None]:
        with suppress(GraphQLError):
            next(super().on_parse())
        yield


# The caches come after what they depend on, and what differs between callers after the caches.
EXTENSIONS = (
    lambda: MaxTokensLimiter(max_token_count=TOKENS_MAX),
    lambda: AddValidationRules([SizeRule, IntrospectionRule]),
    lambda: SafeParserCache(),
    lambda: ValidationCache(),
    lambda: Secrecy(),
    lambda: CostLimiter(),
)

schema = Schema(
    Query,
    Mutation,
    Subscription,
    execution_context_class=ProjectingExecutor,
    extensions=EXTENSIONS,
    config=StrawberryConfig(name_converter=OwnSpelling(), relay_max_results=PAGE_MAX),
)
