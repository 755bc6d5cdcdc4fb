"""The WebSocket: a visitor's conversation, streamed."""

import asyncio
from typing import Any

import httpx
import pytest

from compatibility.public_socket import WAITING_MAX
from domain.errors import ProviderFailure
from domain.sessions import Role
from tests.compatibility.people import MODEL, Connect, Owner
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels


def types(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["type"] for frame in frames]


async def test_the_client_of_the_api_reference(connect: Connect, models: ScriptedModels) -> None:
    """It sends at once, without a session, and knows only `chunk` and `done`."""
    models.script(MODEL, "[happy] Hello ", "there", "!")
    async with connect() as visitor:
        frames = await visitor.say("Hello! Tell me about your product.")
    written = "".join(frame["content"] for frame in frames if frame["type"] == "chunk")
    assert written == "Hello there!"
    assert frames[-1]["fullText"] == written


async def test_every_frame_of_a_reply(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "[happy] **Hello** ", ProviderFailure("broken_stream"))
    models.script("openai/gpt-4o-mini", "there!")
    async with connect() as visitor:
        frames = await visitor.say("Hello!")
    started, done = frames[0], frames[-1]
    assert set(started) == {"type", "sessionId", "messageId", "replyId", "seq"}
    assert set(done) == {
        "type", "fullText", "sessionId", "messageId", "replyId", "seq", "ttsText", "displayText",
        "emotion", "sources", "latency", "model", "interrupted",
    }  # fmt: skip
    assert types(frames) == ["started", "emotion", "chunk", "switched", "chunk", "done"]
    assert [frame["seq"] for frame in frames] == [1, 2, 3, 4, 5, 6]
    assert {frame["replyId"] for frame in frames} == {done["messageId"]}
    assert started["messageId"] != done["messageId"]
    assert started["sessionId"] == done["sessionId"]
    assert frames[1]["emotion"] == done["emotion"] == "happy"
    assert (frames[3]["model"], frames[3]["reason"]) == ("openai/gpt-4o-mini", "broken_stream")
    assert (done["fullText"], done["ttsText"]) == ("**Hello** there!", "Hello there!")
    assert (done["interrupted"], done["sources"], done["model"]) == (False, [], "openai/gpt-4o-mini")
    assert set(done["latency"]) == {"total", "llm"}


async def test_a_reply_that_breaks_off(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "Let me ", ProviderFailure("broken_stream"))
    async with connect() as visitor:
        await visitor.send("message", content="Hello!")
        error = (await visitor.frames("error"))[-1]
        assert (error["code"], error["retryable"]) == ("AI_PROVIDER_ERROR", True)
        assert {"replyId", "seq", "message"} <= set(error)
        await visitor.send("ping")
        assert await visitor.frame() == {"type": "pong"}


async def test_one_session_is_opened_and_kept(connect: Connect, models: ScriptedModels, owner: Owner) -> None:
    models.script(MODEL, "Noted.")
    async with connect() as visitor:
        first = (await visitor.say("My name is Ada."))[-1]
        second = (await visitor.say("Who am I?"))[-1]
    assert first["sessionId"] == second["sessionId"]
    assert "My name is Ada." in [turn.content for turn in models.prompts[-1].utterances]
    listed = (await owner.request("GET", "/consumer-avatars")).json()["data"][0]
    assert listed["conversationCount"] == 1


async def test_messages_wait_for_their_turn(connect: Connect, models: ScriptedModels) -> None:
    more = asyncio.Event()
    models.script(MODEL, "One ", more, "done.")
    models.script(MODEL, "Two done.")
    async with connect() as visitor:
        await visitor.send("message", content="First")
        await visitor.send("message", content="Second")
        await visitor.send("ping")
        until_pong = await visitor.frames("pong")
        more.set()
        frames = [*until_pong, *await visitor.frames(), *await visitor.frames()]
    assert "done" not in types(until_pong)
    assert [frame["fullText"] for frame in frames if frame["type"] == "done"] == ["One done.", "Two done."]
    assert [turn.role for turn in models.prompts[-1].utterances] == [Role.USER, Role.ASSISTANT, Role.USER]


async def test_only_so_many_messages_can_wait(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, asyncio.Event())
    async with connect() as visitor:
        for number in range(WAITING_MAX + 2):
            await visitor.send("message", content=f"Number {number}")
        error = (await visitor.frames("error"))[-1]
        assert error["code"] == "BAD_REQUEST"


async def test_stop(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "It was a dark ", asyncio.Event(), "and stormy night.")
    models.script(MODEL, "The end.")
    async with connect() as visitor:
        await visitor.send("message", content="Tell me a story.")
        await visitor.frames("chunk")
        await visitor.send("stop")
        done = await visitor.frame()
        assert (done["type"], done["interrupted"], done["fullText"]) == ("done", True, "It was a dark ")
        assert (await visitor.say("Thanks."))[-1]["fullText"] == "The end."


async def test_stop_right_after_a_message_stops_its_reply(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, asyncio.Event())
    async with connect() as visitor:
        await visitor.send("message", content="Tell me a story.")
        await visitor.send("stop")
        done = (await visitor.frames())[-1]
        assert (done["interrupted"], done["fullText"]) == (True, "")


async def test_stop_without_a_reply_changes_nothing(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "Hello there.")
    async with connect() as visitor:
        await visitor.send("stop")
        assert (await visitor.say("Hello"))[-1]["interrupted"] is False


async def test_a_reply_goes_on_without_its_visitor_and_can_be_resumed(connect: Connect, models: ScriptedModels) -> None:
    more = asyncio.Event()
    models.script(MODEL, "One ", more, "two ", "three.")
    async with connect() as visitor:
        await visitor.send("message", content="Count.")
        seen = (await visitor.frames("chunk"))[-1]
    more.set()
    async with connect() as visitor:
        await visitor.send("resume", replyId=seen["replyId"], afterSeq=seen["seq"])
        frames = await visitor.frames()
    assert "".join(frame["content"] for frame in frames[:-1]) == "two three."
    assert frames[-1]["fullText"] == "One two three."
    assert frames[-1]["interrupted"] is False
    assert models.closed == 0


async def test_resuming_from_the_start_repeats_everything(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "Hello there.")
    async with connect() as visitor:
        frames = await visitor.say("Hello")
        await visitor.send("resume", replyId=frames[0]["replyId"])
        again = await visitor.frames()
    assert [(frame["type"], frame["seq"]) for frame in again] == [(frame["type"], frame["seq"]) for frame in frames]


async def test_resuming_what_never_was(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "Hello there.")
    async with connect() as visitor:
        await visitor.send("resume", replyId="nothing")
        assert (await visitor.frame())["code"] == "NOT_FOUND"
        await visitor.send("resume", replyId="nothing", afterSeq=-1)
        assert (await visitor.frame())["details"]["field"] == "afterSeq"
        assert (await visitor.say("Hello"))[-1]["fullText"] == "Hello there."


async def test_a_visitor_who_is_cut_off(connect: Connect, models: ScriptedModels) -> None:
    more = asyncio.Event()
    models.script(MODEL, "One ", more, "two.")
    visitor = connect()
    async with visitor:
        await visitor.send("message", content="Count.")
        reply_id = (await visitor.frames("chunk"))[-1]["replyId"]
        more.set()
        await visitor.vanish()
    async with connect() as visitor:
        await visitor.send("resume", replyId=reply_id)
        assert (await visitor.frames())[-1]["fullText"] == "One two."


async def test_a_message_sent_again_continues_the_same_reply(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "Once.")
    async with connect() as visitor:
        first = (await visitor.say("Hello", clientMessageId="c-1"))[-1]
    async with connect(f"sessionId={first['sessionId']}") as visitor:
        assert (await visitor.say("Hello", clientMessageId="c-1"))[-1] == first
    assert len(models.calls) == 1


async def test_history_may_repeat_the_message(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "Hello there.")
    history = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Hello"},
    ]
    async with connect() as visitor:
        await visitor.say("Hello", history=history)
    assert [turn.content for turn in models.prompts[0].utterances] == ["Hi", "Yes?", "Hello"]


@pytest.mark.parametrize("by_frame", [True, False])
async def test_a_named_session(connect: Connect, http: httpx.AsyncClient, short_id: str, by_frame: bool) -> None:
    session_id = (await http.post(f"/public/avatar/{short_id}/session")).json()["data"]["sessionId"]
    named = {"sessionId": session_id} if by_frame else {}
    async with connect("" if by_frame else f"sessionId={session_id}") as visitor:
        first = (await visitor.say("Hello", **named))[-1]
        second = (await visitor.say("Hello again"))[-1]
    assert first["sessionId"] == second["sessionId"] == session_id


async def test_a_session_of_its_own_is_renewed_silently(
    connect: Connect, models: ScriptedModels, clock: FakeClock, http: httpx.AsyncClient, short_id: str
) -> None:
    models.script(MODEL, "Hello there.")
    async with connect() as visitor:
        first = (await visitor.say("Hello"))[-1]
        clock.advance(30 * 60)
        second = (await visitor.say("Hello again"))[-1]
        await http.post(f"/public/avatar/{short_id}/session/{second['sessionId']}/end")
        third = (await visitor.say("Still here"))[-1]
    assert len({first["sessionId"], second["sessionId"], third["sessionId"]}) == 3
    assert third["fullText"] == "Hello there."
