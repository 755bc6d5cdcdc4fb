"""The schema: every noun's queries, mutations and subscriptions put together."""

from collections.abc import Awaitable, Callable

import strawberry
from graphql import GraphQLError
from strawberry import relay
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.accounts import AccountMutation, AccountQuery, find_account
from schema.avatars import AvatarMutation, AvatarQuery, find_avatar
from schema.chat import ChatMutation, ChatSubscription
from schema.engine.context import Info, OwnContext
from schema.engine.cost import CostLimiter
from schema.engine.errors import show
from schema.engine.ids import parts
from schema.engine.introspection import KeptIntrospection
from schema.engine.pages import PAGE_MAX
from schema.engine.projection import ProjectingExecutor
from schema.engine.runner import LeanRunner
from schema.engine.secrecy import Secrecy
from schema.engine.shared import SharedDocuments
from schema.enums import OwnSpelling
from schema.knowledge import find_knowledge, find_passage
from schema.knowledge_operations import KnowledgeMutation, KnowledgeQuery, KnowledgeSubscription
from schema.models import ModelQuery
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


# What differs between callers comes after what all of them share.
EXTENSIONS = (
    lambda: SharedDocuments(),
    lambda: OwnContext(),
    lambda: Secrecy(),
    lambda: CostLimiter(),
    lambda: KeptIntrospection(),
)

schema = Schema(
    Query,
    Mutation,
    Subscription,
    execution_context_class=ProjectingExecutor,
    extensions=EXTENSIONS,
    config=StrawberryConfig(name_converter=OwnSpelling(), relay_max_results=PAGE_MAX),
)
