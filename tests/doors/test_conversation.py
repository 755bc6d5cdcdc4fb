"""The conversation, case by case, through every door."""

import asyncio

import pytest

from domain.ai.providers import Patience
from domain.avatars import AiProvider
from domain.errors import ProviderFailure
from domain.sessions import Role
from tests.doors.doors import Door, Refused
from tests.served import House

ANSWER = ("We offer ", "three ", "plans. ", "Grüße, ", "你好 ", "👋🏽!")
WHOLE = "".join(ANSWER)


@pytest.fixture
def patience() -> Patience:
    """None: a scripted model has its next piece at once, or never."""
    return Patience(first_token=0, between_tokens=0)


async def code_of(door: Door, house: House, session: str, words: str, client_message_id: str | None = None) -> str:
    with pytest.raises(Refused) as refused:
        await door.say(house.short_id, session, words, client_message_id)
    return refused.value.code


async def test_the_whole_answer_arrives(door: Door, house: House) -> None:
    house.models.script(house.first, *ANSWER)
    session = await door.start(house.short_id)
    answer = await door.say(house.short_id, session, "What are your plans?")
    assert answer.text == WHOLE
    assert answer.emotion == "neutral"


async def test_an_emotion_is_told_and_its_tag_is_not_spoken(door: Door, house: House) -> None:
    house.models.script(house.first, "[hap", "py] ", "Gladly!")
    session = await door.start(house.short_id)
    answer = await door.say(house.short_id, session, "Can you help?")
    assert (answer.text, answer.emotion) == ("Gladly!", "happy")


async def test_the_model_is_told_the_conversation_so_far(door: Door, house: House) -> None:
    house.models.script(house.first, *ANSWER)
    session = await door.start(house.short_id)
    await door.say(house.short_id, session, "What are your plans?")
    await door.say(house.short_id, session, "And the price?")
    told = [(each.role, each.content) for each in house.models.prompts[-1].utterances]
    assert told == [(Role.USER, "What are your plans?"), (Role.ASSISTANT, WHOLE), (Role.USER, "And the price?")]


async def test_the_same_client_message_id_gives_the_same_answer_and_asks_once(door: Door, house: House) -> None:
    house.models.script(house.first, *ANSWER)
    session = await door.start(house.short_id)
    first = await door.say(house.short_id, session, "Hello", "mine-1")
    again = await door.say(house.short_id, session, "Hello", "mine-1")
    assert first.text == again.text == WHOLE
    assert house.models.asked(house.first) == 1


async def test_the_same_send_twice_at_once_asks_once(door: Door, house: House) -> None:
    house.models.script(house.first, *ANSWER)
    session = await door.start(house.short_id)
    both = await asyncio.gather(*(door.say(house.short_id, session, "Hello", "mine-1") for _ in range(2)))
    assert [answer.text for answer in both] == [WHOLE, WHOLE]
    assert house.models.asked(house.first) == 1


async def test_two_tabs_of_one_session_are_answered_one_after_the_other(door: Door, house: House) -> None:
    house.models.script(house.first, *ANSWER)
    session = await door.start(house.short_id)
    both = await asyncio.gather(*(door.say(house.short_id, session, words) for words in ("One", "Two")))
    assert [answer.text for answer in both] == [WHOLE, WHOLE]
    assert (Role.ASSISTANT, WHOLE) in [(each.role, each.content) for each in house.models.prompts[-1].utterances]


@pytest.mark.parametrize("failure", ["http_500", "http_429", "connection_failed", "empty_reply"])
async def test_a_provider_that_fails_before_its_first_word_is_replaced_silently(
    door: Door, house: House, failure: str
) -> None:
    house.models.script(house.first, ProviderFailure(failure))
    house.models.script(house.second, *ANSWER)
    session = await door.start(house.short_id)
    assert (await door.say(house.short_id, session, "Hello")).text == WHOLE


async def test_a_provider_that_says_nothing_is_replaced(door: Door, house: House) -> None:
    house.models.script(house.first, asyncio.Event())
    house.models.script(house.second, *ANSWER)
    session = await door.start(house.short_id)
    assert (await door.say(house.short_id, session, "Hello")).text == WHOLE


@pytest.mark.parametrize("end", ["breaks", "stalls"])
@pytest.mark.parametrize("continuation", ["goes on", "starts anew"])
async def test_words_that_were_said_are_not_said_again(door: Door, house: House, end: str, continuation: str) -> None:
    house.models.script(
        house.first, *ANSWER[:3], ProviderFailure("broken_stream") if end == "breaks" else asyncio.Event()
    )
    house.models.script(house.second, *(ANSWER[3:] if continuation == "goes on" else ANSWER))
    session = await door.start(house.short_id)
    assert (await door.say(house.short_id, session, "Hello")).text == WHOLE


async def test_nobody_left_after_words_is_an_error_and_the_words_are_kept(door: Door, house: House) -> None:
    house.models.script(house.first, *ANSWER[:3], ProviderFailure("broken_stream"))
    house.models.script(house.second, ProviderFailure("http_500"))
    session = await door.start(house.short_id)
    assert await code_of(door, house, session, "Hello") == "AI_PROVIDER_ERROR"
    assert house.messages() == [("user", "Hello", "complete"), ("assistant", "We offer three plans. ", "failed")]


async def test_a_refused_key_is_an_error_and_nobody_else_is_asked(door: Door, house: House) -> None:
    house.models.script(house.first, ProviderFailure("http_400", refused=True))
    house.models.script(house.second, *ANSWER)
    session = await door.start(house.short_id)
    assert await code_of(door, house, session, "Hello") == "AI_PROVIDER_ERROR"
    assert house.models.asked(house.second) == 0


async def test_providers_that_all_fail_at_once_leave_an_honest_answer(door: Door, house: House) -> None:
    house.models.script(house.first, ProviderFailure("http_500"))
    house.models.script(house.second, ProviderFailure("http_500"))
    session = await door.start(house.short_id)
    assert "cannot be reached" in (await door.say(house.short_id, session, "Hello")).text


@pytest.mark.parametrize("managed", [()])
async def test_without_a_provider_the_avatar_says_so(door: Door, house: House, managed: tuple[AiProvider, ...]) -> None:
    session = await door.start(house.short_id)
    answer = await door.say(house.short_id, session, "Hello")
    assert "No AI provider is configured" in answer.text


@pytest.mark.parametrize("words", ["", "   ", "x" * 5001, "a\x00b"])
async def test_wrong_words_are_refused_and_nothing_is_stored(door: Door, house: House, words: str) -> None:
    session = await door.start(house.short_id)
    assert await code_of(door, house, session, words) == "BAD_REQUEST"
    assert house.messages() == []


async def test_an_unknown_session_is_not_found(door: Door, house: House) -> None:
    assert await code_of(door, house, "1e2ecb1e-3f6b-4f2a-9f1d-0f1f6d1c0c11", "Hello") == "NOT_FOUND"


async def test_a_session_expires_after_thirty_minutes(door: Door, house: House) -> None:
    house.models.script(house.first, *ANSWER)
    session = await door.start(house.short_id)
    house.clock.advance(29 * 60 + 59)
    assert (await door.say(house.short_id, session, "Still there?")).text == WHOLE
    house.clock.advance(30 * 60)
    assert await code_of(door, house, session, "And now?") == "SESSION_EXPIRED"


async def test_an_ended_session_takes_no_more_words(door: Door, house: House) -> None:
    house.models.script(house.first, *ANSWER)
    session = await door.start(house.short_id)
    await door.say(house.short_id, session, "Hello")
    ended = await door.end(house.short_id, session)
    assert ended["questionCount"] == 1
    assert set(ended["latency"]) == {"p50", "p95", "avg"}
    assert (await door.end(house.short_id, session))["questionCount"] == 1
    assert await code_of(door, house, session, "Hello?") == "SESSION_ENDED"


async def test_ten_sessions_a_minute_and_not_eleven(door: Door, house: House) -> None:
    for _ in range(10):
        await door.start(house.short_id)
    with pytest.raises(Refused, match="RATE_LIMIT_EXCEEDED"):
        await door.start(house.short_id)
    house.clock.advance(61)
    assert await door.start(house.short_id)


async def test_an_unknown_avatar_is_not_found(door: Door) -> None:
    with pytest.raises(Refused, match="NOT_FOUND"):
        await door.start("AAAAAAAAAAA")
