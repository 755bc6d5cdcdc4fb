"""A model that never ends its answer."""

from resolvers.answering.answer import REPLY_MAX_CHARS
from tests.doors.doors import Door
from tests.served import House

PIECE = "token " * 50


async def test_a_reply_without_end_is_cut_stored_and_ended(door: Door, house: House) -> None:
    house.models.script(house.first, *[PIECE] * 1000)
    house.models.script(house.first, "Well?")
    session = await door.start(house.short_id)
    answer = await door.say(house.short_id, session, "Talk")
    assert REPLY_MAX_CHARS <= len(answer.text) < REPLY_MAX_CHARS + len(PIECE)
    assert house.messages() == [("user", "Talk", "complete"), ("assistant", answer.text, "complete")]
    assert house.models.closed == 1
    assert (await door.say(house.short_id, session, "And?")).text == "Well?"
