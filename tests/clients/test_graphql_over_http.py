"""The GraphQL-over-HTTP specification, by the audits of npm's graphql-http."""

import json

from tests.clients.conftest import node
from tests.served import House

AUDITS = 61


async def test_every_audit_passes(house: House) -> None:
    async with node("audit.mjs", f"{house.url}/graphql") as process:
        out, err = await process.communicate()
    audits = [json.loads(line) for line in out.splitlines()]
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len(audits) == AUDITS, err.decode()
