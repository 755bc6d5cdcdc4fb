"""How PostgreSQL goes about what every answer needs, where its statistics could lead it astray."""

import json

from sqlalchemy import make_url

from adapters.postgres_connections import postgres_pool
from adapters.postgres_driver import PostgresDriver
from adapters.sql_passages import AROUND
from adapters.sql_store import open_store
from domain.ports import Tx
from tests.builders import a_passage, an_account, an_avatar, an_item
from tests.fakes.lexicon import add_passages
from tests.parts.postgres import Postgres

ACCOUNT = an_account()
AVATAR = an_avatar(ACCOUNT)
BOOK = an_item(AVATAR, passage_count=2000)
PASSAGES = [a_passage(BOOK, "Otters hold hands. " * 40, place) for place in range(BOOK.passage_count)]


def add_book(tx: Tx) -> None:
    tx.accounts.add(ACCOUNT)
    tx.avatars.add(AVATAR)
    tx.knowledge.add(BOOK, None)
    add_passages(tx, PASSAGES)


async def test_the_neighbours_are_looked_up_though_all_passages_are_of_one_item(postgres: Postgres) -> None:
    async with postgres.database() as url, postgres_pool(make_url(url)) as pool:
        async with open_store(url) as store:
            await store.write(add_book)
        await postgres.run("ANALYZE", url.rsplit("/", 1)[1])
        statement = AROUND.compiled(PostgresDriver.dialect)
        given = statement.parameters({"list": json.dumps([PASSAGES[7].id, PASSAGES[900].id]), "reach": 1})
        plan = "\n".join(row[0] for row in await pool.fetch(f"EXPLAIN {statement.text}", *given))
        assert "uq_passages_item_id_generation_position" in plan
        assert "Seq Scan on passages  (" not in plan


async def test_nothing_is_compiled(postgres: Postgres) -> None:
    async with postgres.database() as url, postgres_pool(make_url(url)) as pool:
        assert await pool.fetchval("SHOW jit") == "off"
