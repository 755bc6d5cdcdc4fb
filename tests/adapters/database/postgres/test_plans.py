"""How PostgreSQL goes about what every answer needs, where its statistics could lead it astray."""

import json

from sqlalchemy import make_url

from adapters.database.passages import AROUND
from adapters.database.postgres.connections import postgres_pool
from adapters.database.postgres.driver import PostgresDriver
from adapters.database.store import open_store
from domain.tables import Tx
from tests.builders import a_passage, an_account, an_avatar, an_item
from tests.fakes.lexicon import add_passages
from tests.parts.postgres import Postgres

ACCOUNT = an_account()
AVATAR = an_avatar(ACCOUNT)
PAGES = 10_000
BOOK = an_item(AVATAR, passage_count=PAGES)
FIRST = a_passage(BOOK, "Otters hold hands. " * 40)
FURTHER = f"""
    INSERT INTO passages (number, id, avatar_id, item_id, generation, position, text, title, heading, language, words)
    SELECT place + 1, id || place, avatar_id, item_id, generation, place, text, title, heading, language, words
    FROM passages, generate_series(1, {PAGES - 1}) AS place
"""


def add_book(tx: Tx) -> None:
    tx.accounts.add(ACCOUNT)
    tx.avatars.add(AVATAR)
    tx.knowledge.add(BOOK, None)
    add_passages(tx, [FIRST])


async def test_the_neighbours_are_looked_up_though_all_passages_are_of_one_item(postgres: Postgres) -> None:
    async with postgres.database() as url, postgres_pool(make_url(url)) as pool:
        async with open_store(url) as store:
            await store.write(add_book)
        await pool.execute(FURTHER)
        await pool.execute("ANALYZE")
        statement = AROUND.compiled(PostgresDriver.dialect)
        given = statement.parameters({"list": json.dumps([FIRST.id, f"{FIRST.id}900"]), "reach": 1})
        plan = "\n".join(row[0] for row in await pool.fetch(f"EXPLAIN {statement.text}", *given))
        assert "uq_passages_item_id_generation_position" in plan
        assert "Seq Scan on passages  (" not in plan


async def test_nothing_is_compiled(postgres: Postgres) -> None:
    async with postgres.database() as url, postgres_pool(make_url(url)) as pool:
        assert [await pool.fetchval("SHOW jit") for _ in range(2)] == ["off", "off"]
