"""Accounts and API keys over GraphQL."""

import sqlite3
from contextlib import closing

from tests.schema.conftest import Client

CREATE = "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret apiKey { id name mode hint } } }"
REVOKE = "mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { revokedAt } } }"
LIST = "{ apiKeys { id name hint lastUsedAt revokedAt } }"


async def test_a_key_is_shown_once_works_and_is_revoked(owner: Client, stranger: Client) -> None:
    made = (await owner.data(CREATE, input={"name": "CI"}))["createApiKey"]
    assert made["secret"].startswith("av_live_")
    [listed] = (await owner.data(LIST))["apiKeys"]
    assert made["secret"] not in str(listed)
    stranger.token = made["secret"]
    assert (await stranger.data("{ me { email } }"))["me"] == {"email": "owner@example.com"}
    assert (await owner.data(LIST))["apiKeys"][0]["lastUsedAt"]
    await owner.data(REVOKE, input={"id": made["apiKey"]["id"]})
    assert await stranger.code("{ me { email } }") == "INVALID_API_KEY"


async def test_only_the_hash_of_a_key_is_stored(owner: Client) -> None:
    made = (await owner.data(CREATE, input={"name": "CI", "mode": "test"}))["createApiKey"]
    assert made["secret"].startswith("av_test_")
    with closing(sqlite3.connect(owner.house.file)) as connection:
        assert made["secret"] not in "\n".join(connection.iterdump())


async def test_a_key_cannot_manage_keys(owner: Client, stranger: Client) -> None:
    stranger.token = (await owner.data(CREATE, input={"name": "CI"}))["createApiKey"]["secret"]
    assert await stranger.code(CREATE, input={"name": "More"}) == "FORBIDDEN"
    assert await stranger.code(LIST) == "FORBIDDEN"


async def test_another_accounts_key_does_not_exist(owner: Client, other: Client) -> None:
    made = (await owner.data(CREATE, input={"name": "CI"}))["createApiKey"]
    await other.data(CREATE, input={"name": "Mine"})
    assert await other.code(REVOKE, input={"id": made["apiKey"]["id"]}) == "NOT_FOUND"
    assert [key["name"] for key in (await other.data(LIST))["apiKeys"]] == ["Mine"]


async def test_a_stranger_is_nobody_and_a_bad_token_is_an_error(stranger: Client) -> None:
    assert (await stranger.data("{ me { email } }"))["me"] is None
    stranger.token = "forged"
    assert await stranger.code("{ me { email } }") == "TOKEN_INVALID"


async def test_sign_in_that_is_down_is_not_the_callers_fault(owner: Client) -> None:
    owner.house.sign_in.down = True
    assert await owner.code("{ me { email } }") == "SERVICE_UNAVAILABLE"
