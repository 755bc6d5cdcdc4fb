"""The clock is put back by hours in the middle of a conversation."""

from datetime import timedelta

import pytest

from domain.sessions import Role
from tests.doors.doors import Door, Refused
from tests.served import House

HOURS = timedelta(hours=3)


@pytest.fixture
async def session(door: Door, house: House) -> str:
    """One message was answered in it, then the clock was put back."""
    for number in range(3):
        house.models.script(house.first, f"Answer {number}.")
    session = await door.start(house.short_id)
    await door.say(house.short_id, session, "Question 0")
    house.clock.set(house.clock.now() - HOURS)
    return session


async def test_the_conversation_keeps_its_order(door: Door, house: House, session: str) -> None:
    for number in (1, 2):
        answer = await door.say(house.short_id, session, f"Question {number}")
        assert answer.text == f"Answer {number}."
    said = [content for number in range(3) for content in (f"Question {number}", f"Answer {number}.")]
    assert [content for _, content, _ in house.messages()] == said
    assert [turn.content for turn in house.models.prompts[-1].utterances] == said[:-1]
    assert [turn.role for turn in house.models.prompts[-1].utterances] == [Role.USER, Role.ASSISTANT] * 2 + [Role.USER]


async def test_thirty_minutes_count_from_the_next_message(door: Door, house: House, session: str) -> None:
    await door.say(house.short_id, session, "Question 1")
    house.clock.advance(30 * 60)
    with pytest.raises(Refused, match="SESSION_EXPIRED"):
        await door.say(house.short_id, session, "Question 2")


async def test_a_message_that_is_sent_again_is_known(door: Door, house: House, session: str) -> None:
    first = await door.say(house.short_id, session, "Question 1", "mine")
    house.clock.set(house.clock.now() - HOURS)
    assert (await door.say(house.short_id, session, "Question 1", "mine")).text == first.text == "Answer 1."


async def test_the_report_of_a_session_that_ends_before_it_began(door: Door, house: House, session: str) -> None:
    await door.say(house.short_id, session, "Question 1")
    report = await door.end(house.short_id, session)
    assert report["questionCount"] == 2
    assert all(figure >= 0 for figure in report["latency"].values())
    with pytest.raises(Refused, match="SESSION_ENDED"):
        await door.say(house.short_id, session, "Question 2")


async def test_new_sessions_are_not_refused_for_hours(door: Door, house: House, session: str) -> None:
    """Counts go by a clock that nobody sets: it was the eleventh session of one minute."""
    for _ in range(9):
        await door.start(house.short_id)
    with pytest.raises(Refused, match="RATE_LIMIT_EXCEEDED"):
        await door.start(house.short_id)
    house.clock.set(house.clock.now() - HOURS)
    house.clock.advance(60)
    assert await door.start(house.short_id)
