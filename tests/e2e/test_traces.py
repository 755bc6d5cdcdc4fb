"""The program sends the traces of its turns to a collector."""

from pathlib import Path

import aiohttp

from tests.doors.doors import GraphQLSocket
from tests.e2e.process import avatarium
from tests.parts.collector import running_collector
from tests.parts.upstream import running_upstream


async def test_a_turn_arrives_as_one_trace_without_a_word(tmp_path: Path) -> None:
    async with running_upstream() as upstream, running_collector() as collector:
        settings = {
            "GROQ_API_KEY": "secret-key",
            "GROQ_API_BASE": upstream.url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_SERVICE_NAME": "our-avatars",
        }
        async with avatarium(tmp_path, **settings) as server, aiohttp.ClientSession() as http:
            door = GraphQLSocket(server.url, http)
            answer = await door.say("DemoAvatar1", await door.start("DemoAvatar1"), "secret words")
            await server.stop()
        await collector.arrived.wait()
    assert [span.name for span in collector.spans] == ["admit", "prompt", "attempt", "settle", "turn"]
    assert len({span.trace_id for span in collector.spans}) == 1
    assert collector.service == "our-avatars"
    told = str(collector.spans)
    assert not [word for word in ("secret", *answer.text.split()[:3]) if word in told]


async def test_a_collector_that_is_down_costs_no_turn(tmp_path: Path) -> None:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    async with avatarium(tmp_path, **settings) as server, aiohttp.ClientSession() as http:
        door = GraphQLSocket(server.url, http)
        session = await door.start("DemoAvatar1")
        assert (await door.say("DemoAvatar1", session, "Hello")).text
        assert (await door.say("DemoAvatar1", session, "Still there?")).text
        await server.stop()
    assert "Traceback" not in "".join(server.output)
