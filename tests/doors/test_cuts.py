"""A listener's connection is cut again and again, at random points: the text is whole each time."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import cycle

import aiohttp

from tests.doors.doors import REPLY, SEND, GraphQLSendAndFollow
from tests.fakes.models import Step
from tests.served import House

CUTS = 1000
REPLIES = 20
AT_ONCE = 3
PIECES = tuple(f"{word} " for word in ("Grüße", "你好", "👋🏽", "plain", "words", "and", "more") * 20)
WHOLE = "".join(PIECES)
Heard = tuple[int, str, bool]


async def over_graphql_socket(http: aiohttp.ClientSession, url: str, reply: str, after: int) -> AsyncGenerator[Heard]:
    door = GraphQLSendAndFollow(url, http)
    async for payload in door.subscribe(REPLY, {"id": reply, "after": after}):
        yield heard(door.data(payload)["reply"])


async def over_events(http: aiohttp.ClientSession, url: str, reply: str, after: int) -> AsyncGenerator[Heard]:
    body = {"query": REPLY, "variables": {"id": reply, "after": after}}
    async with http.post(f"{url}/graphql", json=body, headers={"Accept": "text/event-stream"}) as response:
        async for line in response.content:
            if line.startswith(b"data: {"):
                yield heard(json.loads(line[6:])["data"]["reply"])


async def over_v1_socket(http: aiohttp.ClientSession, url: str, reply: str, after: int) -> AsyncGenerator[Heard]:
    async with http.ws_connect(f"{url.replace('http', 'ws')}/v1/public/avatar/DemoAvatar1/ws") as socket:
        await socket.send_json({"type": "resume", "replyId": reply, "afterSeq": after})
        while True:
            frame = await socket.receive_json()
            yield frame["seq"], frame.get("content", ""), frame["type"] == "done"


def heard(event: dict[str, object]) -> Heard:
    text = str(event["text"]) if event["__typename"] == "ReplyChunk" else ""
    return int(str(event["seq"])), text, event["__typename"] == "ReplyDone"


ROADS = (over_graphql_socket, over_events, over_v1_socket)


class Narrator:
    """A model that says some pieces of each reply, and the next when every listener has heard all so far."""

    def __init__(self, house: House) -> None:
        self._gates: dict[str, asyncio.Event] = {}
        self._heard = Counter[str]()
        steps: list[Step] = []
        for number in range(0, len(PIECES), AT_ONCE):
            gate = self._gates["".join(PIECES[:number])] = asyncio.Event()
            steps += [gate, *PIECES[number : number + AT_ONCE]]
        house.models.script(house.first, *steps)

    def was_heard(self, said: str) -> None:
        self._heard[said] += 1
        if said in self._gates and self._heard[said] == REPLIES:
            self._gates[said].set()


async def test_a_thousand_cuts(house: House) -> None:
    chance = random.Random(7)
    narrator = Narrator(house)
    replies = [await begun(house) for _ in range(REPLIES)]
    cuts = 0
    while cuts < CUTS:
        cuts += sum(await asyncio.gather(*(listened(house.url, reply, chance, narrator) for reply in replies)))


async def begun(house: House) -> str:
    house.clock.advance(60)
    async with aiohttp.ClientSession() as http:
        door = GraphQLSendAndFollow(house.url, http)
        sent = {"sessionId": await door.start(house.short_id), "content": "Talk"}
        return str((await door.execute(SEND, {"input": sent}))["sendMessage"]["reply"]["id"])


async def listened(url: str, reply: str, chance: random.Random, narrator: Narrator) -> int:
    """Follows a reply to its end, cut after a few events each time; returns how often it was cut."""
    said, last, over = "", 0, False
    for cuts, road in enumerate(cycle(chance.sample(ROADS, len(ROADS)))):
        http = aiohttp.ClientSession()
        async with aclosing(road(http, url, reply, last)) as events:
            for _ in range(chance.randint(1, 3)):
                seq, text, over = await anext(events)
                assert seq > last
                said, last = said + text, seq
                narrator.was_heard(said)
                if over:
                    break
            await http.close()
        if over:
            assert said == WHOLE
            return cuts
    raise AssertionError("unreachable")
