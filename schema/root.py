"""The schema: every noun's queries, mutations and subscriptions put together."""

from collections.abc import Awaitable, Callable

import strawberry
from graphql import GraphQLError
from strawberry import relay
from strawberry.extensions import MaxTokensLimiter, ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.accounts import AccountMutation, AccountQuery, find_account
from schema.avatars import AvatarMutation, AvatarQuery, find_avatar
from schema.chat import ChatMutation, ChatSubscription
from schema.context import Info
from schema.enums import OwnSpelling
from schema.errors import show
from schema.ids import parts
from schema.models import ModelQuery
from schema.sessions import SessionMutation, find_message, find_session

FINDERS: dict[str, Callable[[Info, str], Awaitable[relay.Node | None]]] = {
    "Account": find_account,
    "Avatar": find_avatar,
    "Message": find_message,
    "Session": find_session,
}


@strawberry.type
class Query(AccountQuery, AvatarQuery, ModelQuery):
    @strawberry.field(description="Anything that has an id of its own; null if there is none that you may see.")
    async def node(self, info: Info, id: strawberry.ID) -> relay.Node | None:
        type_name, key = parts(id)
        find = FINDERS.get(type_name)
        return await find(info, key) if find else None


@strawberry.type
class Mutation(AccountMutation, AvatarMutation, SessionMutation, ChatMutation):
    pass


@strawberry.type
class Subscription(ChatSubscription):
    pass


class Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        for error in errors:
            if execution_context is not None:
                show(error, execution_context.context)


schema = Schema(
    Query,
    Mutation,
    Subscription,
    extensions=[lambda: MaxTokensLimiter(max_token_count=2_000), lambda: ParserCache(), lambda: ValidationCache()],
    config=StrawberryConfig(name_converter=OwnSpelling(), relay_max_results=100),
)
