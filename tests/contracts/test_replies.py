"""What every reply log promises."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from random import Random

import pytest

from adapters.memory.replies import MemoryReplies
from domain.ports import ReplyLog
from domain.reply.events import (
    EmotionChanged,
    ProviderSwitched,
    ReplyChunk,
    ReplyDone,
    ReplyEvent,
    ReplyFailed,
    ReplyStarted,
    coalesced,
    failed,
)
from domain.sessions import Message, Role
from tests.fakes.clock import START, FakeClock

ID = "reply-1"
MESSAGE = Message(ID, "session-1", Role.ASSISTANT, "Hello there, you.", START, in_reply_to="message-1")
EVENTS: list[ReplyEvent] = [
    ReplyStarted(ID, 1),
    EmotionChanged(ID, 2, "happy"),
    ReplyChunk(ID, 3, "Hello "),
    ReplyChunk(ID, 4, "there, "),
    ProviderSwitched(ID, 5, "openai/gpt-4o-mini", "stalled"),
    ReplyChunk(ID, 6, "you."),
    ReplyDone(ID, 7, MESSAGE),
]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["memory"])
def replies(request: pytest.FixtureRequest, clock: FakeClock) -> ReplyLog:
    """Another implementation joins as another parameter."""
    return MemoryReplies(clock)


async def tell(replies: ReplyLog, events: Sequence[ReplyEvent]) -> None:
    for event in events:
        if isinstance(event, ReplyStarted):
            await replies.open(event.reply_id)
        await replies.append(event)


async def heard(replies: ReplyLog, after_seq: int = 0, reply_id: str = ID) -> list[ReplyEvent]:
    async with aclosing(replies.follow(reply_id, after_seq)) as events:
        return [event async for event in events]


def text_of(events: Sequence[ReplyEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReplyChunk))


async def test_a_reply_is_replayed_to_whoever_comes_late(replies: ReplyLog) -> None:
    await tell(replies, EVENTS)
    assert await heard(replies) == coalesced(EVENTS)


async def test_a_follower_hears_first_what_was_and_then_what_comes(replies: ReplyLog) -> None:
    await tell(replies, EVENTS[:2])
    async with aclosing(replies.follow(ID, 0)) as events:
        assert [await anext(events), await anext(events)] == EVENTS[:2]
        for event in EVENTS[2:]:
            coming = asyncio.ensure_future(anext(events))
            await replies.append(event)
            assert await coming == event
        with pytest.raises(StopAsyncIteration):
            await anext(events)


async def test_a_follower_may_come_before_the_first_event(replies: ReplyLog) -> None:
    await replies.open(ID)
    following = asyncio.create_task(heard(replies))
    for event in EVENTS:
        await replies.append(event)
    assert coalesced(await following) == coalesced(EVENTS)


@pytest.mark.parametrize("last", [EVENTS[-1], failed(ID, 7)], ids=["done", "failed"])
async def test_the_last_event_ends_the_following(replies: ReplyLog, last: ReplyDone | ReplyFailed) -> None:
    await tell(replies, [*EVENTS[:-1], last])
    assert (await heard(replies))[-1] == last


@pytest.mark.parametrize("seq", range(len(EVENTS) + 3))
async def test_resuming_after_any_event_gives_exactly_the_rest(replies: ReplyLog, seq: int) -> None:
    await tell(replies, EVENTS)
    assert await heard(replies, seq) == coalesced(EVENTS[seq:])


@pytest.mark.parametrize("seq", range(len(EVENTS)))
async def test_resuming_while_it_is_spoken_gives_exactly_the_rest(replies: ReplyLog, seq: int) -> None:
    await tell(replies, EVENTS[:3])
    following = asyncio.create_task(heard(replies, seq))
    await tell(replies, EVENTS[3:])
    rest = await following
    assert coalesced(rest) == coalesced(EVENTS[seq:])
    assert all(event.seq > seq for event in rest)


async def test_any_number_of_followers_hear_the_same(replies: ReplyLog) -> None:
    await replies.open(ID)
    following = [asyncio.create_task(heard(replies)) for _ in range(20)]
    for event in EVENTS:
        await replies.append(event)
    for events in await asyncio.gather(*following):
        assert coalesced(events) == coalesced(EVENTS)


async def test_chunks_that_wait_for_a_slow_follower_reach_it_as_one(replies: ReplyLog) -> None:
    await tell(replies, EVENTS[:1])
    async with aclosing(replies.follow(ID, 0)) as events:
        assert await anext(events) == EVENTS[0]
        for seq in range(2, 1002):
            await replies.append(ReplyChunk(ID, seq, f"{seq} "))
        waiting = await anext(events)
    assert waiting == ReplyChunk(ID, 1001, "".join(f"{seq} " for seq in range(2, 1002)))


@pytest.mark.parametrize("seed", range(20))
async def test_however_slow_a_follower_is_the_text_is_the_same(replies: ReplyLog, seed: int) -> None:
    random = Random(seed)
    chunks = [ReplyChunk(ID, seq, f"{seq} ") for seq in range(2, 60)]
    told: list[ReplyEvent] = [ReplyStarted(ID, 1), *chunks, ReplyDone(ID, 60, MESSAGE)]
    await replies.open(ID)
    got: list[ReplyEvent] = []
    async with aclosing(replies.follow(ID, 0)) as events:
        while told:
            burst = random.randint(1, 9)
            for event in told[:burst]:
                await replies.append(event)
            del told[:burst]
            got.append(await anext(events))
        got += [event async for event in events]
    assert text_of(got) == text_of(chunks)
    assert [event.seq for event in got] == sorted({event.seq for event in got})


async def test_a_follower_that_leaves_early_takes_nothing_from_the_others(replies: ReplyLog) -> None:
    await tell(replies, EVENTS[:1])
    staying = asyncio.create_task(heard(replies))
    async with aclosing(replies.follow(ID, 0)) as events:
        await anext(events)
    for event in EVENTS[1:]:
        await replies.append(event)
    assert coalesced(await staying) == coalesced(EVENTS)


async def test_a_follower_that_is_cancelled_while_it_waits_is_forgotten(replies: ReplyLog, clock: FakeClock) -> None:
    await tell(replies, EVENTS[:1])
    events = replies.follow(ID, 0)
    await anext(events)
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    clock.advance(7)
    assert replies.unheard_for(ID) == 7
    await tell(replies, EVENTS[1:])
    assert await heard(replies) == coalesced(EVENTS)


async def test_replies_do_not_mix(replies: ReplyLog) -> None:
    other: list[ReplyEvent] = [ReplyStarted("reply-2", 1), ReplyChunk("reply-2", 2, "Bye"), failed("reply-2", 3)]
    await tell(replies, EVENTS)
    await tell(replies, other)
    assert await heard(replies, reply_id="reply-2") == other
    assert await heard(replies) == coalesced(EVENTS)


async def test_a_log_is_known_from_its_opening(replies: ReplyLog) -> None:
    assert not await replies.has(ID)
    await replies.open(ID)
    assert await replies.has(ID)


async def test_unheard_counts_from_the_opening(replies: ReplyLog, clock: FakeClock) -> None:
    clock.advance(100)
    await replies.open(ID)
    assert replies.unheard_for(ID) == 0
    clock.advance(12.5)
    assert replies.unheard_for(ID) == 12.5


async def test_it_is_not_unheard_while_anybody_follows(replies: ReplyLog, clock: FakeClock) -> None:
    await tell(replies, EVENTS[:1])
    async with aclosing(replies.follow(ID, 0)) as one:
        await anext(one)
        async with aclosing(replies.follow(ID, 0)) as other:
            await anext(other)
            clock.advance(60)
        clock.advance(60)
        assert replies.unheard_for(ID) == 0
    assert replies.unheard_for(ID) == 0
    clock.advance(3)
    assert replies.unheard_for(ID) == 3


async def test_a_reply_that_is_over_needs_no_listener(replies: ReplyLog, clock: FakeClock) -> None:
    await tell(replies, EVENTS)
    clock.advance(60)
    assert replies.unheard_for(ID) == 0
    assert replies.unheard_for("never opened") == 0


async def test_a_log_is_kept_for_some_seconds_after_its_end(replies: ReplyLog, clock: FakeClock) -> None:
    clock.advance(3600)
    await tell(replies, EVENTS)
    clock.advance(5)
    await replies.discard_old()
    assert await heard(replies) == coalesced(EVENTS)
    clock.advance(3600)
    await replies.discard_old()
    assert not await replies.has(ID)


async def test_a_log_that_is_open_is_never_discarded(replies: ReplyLog, clock: FakeClock) -> None:
    await tell(replies, EVENTS[:3])
    clock.advance(24 * 3600)
    await replies.discard_old()
    await tell(replies, EVENTS[3:])
    assert await heard(replies) == coalesced(EVENTS)


async def test_whoever_follows_a_log_that_is_discarded_hears_it_to_its_end(replies: ReplyLog, clock: FakeClock) -> None:
    await tell(replies, EVENTS)
    async with aclosing(replies.follow(ID, 0)) as events:
        got = [await anext(events)]
        clock.advance(24 * 3600)
        await replies.discard_old()
        got += [event async for event in events]
    assert got == coalesced(EVENTS)
    assert not await replies.has(ID)
