"""Accounts and API keys over GraphQL."""

from datetime import datetime
from typing import Self

import strawberry
from strawberry import relay

from domain import accounts as domain
from resolvers import accounts as resolvers
from schema.engine.context import Info
from schema.engine.ids import key_of
from schema.enums import KeyMode


@strawberry.type(description="Whoever owns the avatars.")
class Account(relay.Node):
    id: relay.NodeID[str]
    email: str | None
    name: str | None
    created_at: datetime

    @classmethod
    def of(cls, account: domain.Account) -> Self:
        return cls(id=account.id, email=account.email, name=account.name, created_at=account.created_at)


async def find_account(info: Info, key: str) -> Account | None:
    """The caller's own account, if that is its key."""
    mine = await resolvers.me(info.context.core)
    return Account.of(mine) if mine and mine.id == key else None


@strawberry.type(description="A key for programs. The key itself is shown once, when it is created.")
class ApiKey:
    id: strawberry.ID
    name: str
    mode: KeyMode
    hint: str = strawberry.field(description="Its prefix and its last four characters.")
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: domain.ApiKey) -> Self:
        return cls(
            id=strawberry.ID(key.id),
            name=key.name,
            mode=key.mode,
            hint=key.hint,
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
        )


@strawberry.input
class CreateApiKeyInput:
    name: str
    mode: KeyMode = KeyMode.LIVE


@strawberry.type
class CreateApiKeyPayload:
    api_key: ApiKey
    secret: str = strawberry.field(description="The key itself. It cannot be shown again.")


@strawberry.type
class SignInPayload:
    token: str = strawberry.field(description="The bearer token to keep.")
    account: Account


@strawberry.input
class RevokeApiKeyInput:
    id: strawberry.ID


@strawberry.type
class RevokeApiKeyPayload:
    api_key: ApiKey


@strawberry.type
class AccountQuery:
    @strawberry.field(description="Your account; null for a stranger, and before you have created anything.")
    async def me(self, info: Info) -> Account | None:
        account = await resolvers.me(info.context.core)
        return Account.of(account) if account else None

    @strawberry.field(description="The account's API keys, newest first, revoked ones included.")
    async def api_keys(self, info: Info) -> list[ApiKey]:
        return [ApiKey.of(key) for key in await resolvers.api_keys(info.context.core)]


@strawberry.type
class AccountMutation:
    @strawberry.mutation(
        description="Exchanges the bearer token of a sign-in link for one that lasts; any other is given back. "
        "API keys cannot do this."
    )
    async def sign_in(self, info: Info) -> SignInPayload:
        signed_in = await resolvers.sign_in(info.context.core)
        return SignInPayload(token=signed_in.token, account=Account.of(signed_in.account))

    @strawberry.mutation(description="Creates an API key. API keys cannot do this.")
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> CreateApiKeyPayload:
        new = await resolvers.create_api_key(info.context.core, input.name, input.mode)
        return CreateApiKeyPayload(api_key=ApiKey.of(new.key), secret=new.secret)

    @strawberry.mutation(description="Revokes an API key at once and for good.")
    async def revoke_api_key(self, info: Info, input: RevokeApiKeyInput) -> RevokeApiKeyPayload:
        key = await resolvers.revoke_api_key(info.context.core, key_of(input.id, "ApiKey"))
        return RevokeApiKeyPayload(api_key=ApiKey.of(key))
