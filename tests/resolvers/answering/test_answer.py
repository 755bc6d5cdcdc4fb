"""What one reply is made of: who speaks it, what happens when they cannot, and what it costs."""

import asyncio
from collections.abc import Collection
from dataclasses import replace

import pytest

from domain.ai.models import BY_ID
from domain.ai.prompts import estimated_tokens
from domain.ai.providers import Patience, TokenCount
from domain.avatars import Avatar, SealedKey
from domain.errors import ProviderFailure
from domain.reply.answerer import MODEL, NOT_CONFIGURED, UNREACHABLE
from domain.reply.events import ProviderSwitched, ReplyEvent
from domain.sessions import MessageStatus, Usage
from domain.tables import Store
from resolvers import avatars, chat
from resolvers.answering.answer import REPLY_MAX_CHARS
from resolvers.context import Context
from tests.fakes.models import ScriptedModels
from tests.resolvers.talk import (
    FIRST,
    SECOND,
    THIRD,
    begun,
    done,
    failed,
    heard,
    said,
    started,
    stored,
    text_of,
)

DOWN = ProviderFailure("http_500")
BROKEN = ProviderFailure("broken_stream")
REFUSED = ProviderFailure("http_400", refused=True)
OWN_KEY = "sk-0123456789abcdef"


@pytest.fixture
async def session_id(stranger: Context, avatar: Avatar) -> str:
    return await started(stranger, avatar)


async def reply_to(ctx: Context, session_id: str, content: str = "Hi") -> list[ReplyEvent]:
    return await heard(ctx, (await chat.send(ctx, session_id, content)).reply_id)


def switches(events: Collection[ReplyEvent]) -> list[tuple[str, str]]:
    return [(event.model, event.reason) for event in events if isinstance(event, ProviderSwitched)]


def price(model: str, input_tokens: int, output_tokens: int) -> float:
    return BY_ID[model].cost(input_tokens, output_tokens)


async def test_before_the_first_word_the_next_provider_steps_in_silently(
    stranger: Context, session_id: str, models: ScriptedModels
) -> None:
    models.script(FIRST, DOWN)
    models.script(SECOND, DOWN)
    models.script(THIRD, "Hello there.")
    events = await reply_to(stranger, session_id)
    assert switches(events) == []
    assert text_of(events) == done(events).text == "Hello there."
    assert done(events).model == THIRD
    assert [call.id for call in models.calls] == [FIRST, SECOND, THIRD]


@pytest.mark.parametrize(
    "second",
    [
        ("there, you.",),
        ("Hello there, you.",),
        ("Hel", "lo the", "re, you."),
        ("[happy] Hello there, you.",),
    ],
)
async def test_after_words_the_next_provider_goes_on_and_says_nothing_twice(
    stranger: Context, session_id: str, models: ScriptedModels, second: tuple[str, ...]
) -> None:
    models.script(FIRST, "[happy] Hello ", BROKEN)
    models.script(SECOND, *second)
    events = await reply_to(stranger, session_id)
    assert switches(events) == [(SECOND, "broken_stream")]
    assert text_of(events) == done(events).text == "Hello there, you."
    assert (done(events).model, done(events).emotion) == (SECOND, "happy")
    assert [event.seq for event in events] == sorted({event.seq for event in events})


async def test_when_nobody_is_left_what_was_said_is_stored(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, "Hello ", BROKEN)
    events = await reply_to(stranger, session_id)
    assert text_of(events) == "Hello "
    assert (failed(events).code, failed(events).retryable) == ("AI_PROVIDER_ERROR", True)
    reply = await stored(store, events[-1].reply_id)
    assert (reply.content, reply.status, reply.model) == ("Hello ", MessageStatus.FAILED, FIRST)
    assert len(models.calls) == 5


async def test_when_nobody_speaks_at_all_the_avatar_says_so_itself(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    events = await reply_to(stranger, session_id)
    assert done(events).text == f"I am Ava. {UNREACHABLE}"
    assert (done(events).model, done(events).interrupted) == (MODEL, False)
    assert (await said(store, session_id))[-1][2] is MessageStatus.COMPLETE


@pytest.mark.parametrize("silence", ["[happy]", " ", "\n[sa", ""])
async def test_what_the_avatar_says_itself_is_not_ascribed_to_a_provider(
    stranger: Context, session_id: str, models: ScriptedModels, silence: str
) -> None:
    models.script(FIRST, silence, TokenCount(100, 1), BROKEN)
    events = await reply_to(stranger, session_id)
    assert text_of(events) == done(events).text == f"I am Ava. {UNREACHABLE}"
    assert done(events).model == MODEL


@pytest.mark.parametrize("words", [(), ("Hello ",)])
async def test_a_refused_request_asks_nobody_else(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store, words: tuple[str, ...]
) -> None:
    models.script(FIRST, *words, REFUSED)
    models.script(SECOND, "Hello there.")
    events = await reply_to(stranger, session_id)
    assert failed(events).code == "AI_PROVIDER_ERROR"
    assert [call.id for call in models.calls] == [FIRST]
    assert (await said(store, session_id))[-1] == ("assistant", "".join(words), MessageStatus.FAILED)


async def test_a_bad_key_of_the_server_does_not_silence_its_avatars(
    stranger: Context, session_id: str, models: ScriptedModels
) -> None:
    models.script(FIRST, ProviderFailure("http_401", refused=True, of_key=True))
    models.script(SECOND, "Hello there.")
    assert done(await reply_to(stranger, session_id)).text == "Hello there."


async def test_when_the_server_has_bad_keys_only_the_avatar_says_so_itself(
    stranger: Context, session_id: str, models: ScriptedModels
) -> None:
    for model in BY_ID:
        models.script(model, ProviderFailure("http_401", refused=True, of_key=True))
    assert done(await reply_to(stranger, session_id)).text.endswith(UNREACHABLE)


async def test_a_bad_key_of_the_owner_is_theirs_to_mend(
    ann: Context, stranger: Context, avatar: Avatar, models: ScriptedModels
) -> None:
    await avatars.update(ann, avatar.id, {"ai_api_key": OWN_KEY})
    models.script(FIRST, ProviderFailure("http_401", refused=True, of_key=True))
    models.script(SECOND, "Hello there.")
    assert failed(await reply_to(stranger, await started(stranger, avatar))).code == "AI_PROVIDER_ERROR"


async def test_nothing_of_a_providers_own_error_reaches_a_visitor(
    stranger: Context, session_id: str, models: ScriptedModels
) -> None:
    models.script(FIRST, ProviderFailure("invalid key sk-123", refused=True))
    assert "sk-123" not in repr(await reply_to(stranger, session_id))


async def test_a_provider_that_failed_is_asked_last_the_next_time(
    stranger: Context, session_id: str, models: ScriptedModels
) -> None:
    models.script(FIRST, DOWN)
    models.script(SECOND, "Hello.")
    await reply_to(stranger, session_id)
    await reply_to(stranger, session_id)
    assert [call.id for call in models.calls] == [FIRST, SECOND, SECOND]


async def test_the_next_provider_is_told_what_was_said(
    stranger: Context, session_id: str, models: ScriptedModels
) -> None:
    models.script(FIRST, "Hello ", BROKEN)
    models.script(SECOND, "there.")
    await reply_to(stranger, session_id)
    assert [prompt.said for prompt in models.prompts] == ["", "Hello "]


async def test_an_owners_key_goes_to_its_own_provider_only(
    ann: Context, stranger: Context, avatar: Avatar, models: ScriptedModels
) -> None:
    await avatars.update(ann, avatar.id, {"ai_api_key": OWN_KEY})
    models.script(FIRST, DOWN)
    models.script(SECOND, "Hello.")
    await reply_to(stranger, await started(stranger, avatar))
    assert [(call.id, call.api_key) for call in models.calls] == [(FIRST, OWN_KEY), (SECOND, None)]


async def test_an_owners_key_that_cannot_be_read_fails_the_reply(
    stranger: Context, avatar: Avatar, session_id: str, store: Store, models: ScriptedModels, hello: str
) -> None:
    sealed = replace(avatar, ai_key=SealedKey("sealed elsewhere", "cdef"))
    await store.write(lambda tx: tx.avatars.update(sealed))
    assert failed(await reply_to(stranger, session_id)).retryable
    assert models.calls == []


class TestWithoutKeys:
    """A server that has no provider at all."""

    @pytest.fixture
    def models(self) -> ScriptedModels:
        return ScriptedModels(managed=())

    async def test_the_avatar_speaks_for_itself_and_says_so(
        self, stranger: Context, session_id: str, models: ScriptedModels, store: Store
    ) -> None:
        events = await reply_to(stranger, session_id)
        assert done(events).text == text_of(events)
        assert done(events).text.endswith(NOT_CONFIGURED)
        assert done(events).model == MODEL
        assert (await stored(store, events[-1].reply_id)).usage == Usage(0, 0, 0.0)
        assert models.calls == []

    async def test_an_owners_own_key_is_enough(
        self, ann: Context, stranger: Context, avatar: Avatar, models: ScriptedModels, hello: str
    ) -> None:
        await avatars.update(ann, avatar.id, {"ai_api_key": OWN_KEY})
        assert done(await reply_to(stranger, await started(stranger, avatar))).text == hello


async def usage_of(store: Store, events: list[ReplyEvent]) -> Usage:
    usage = (await stored(store, events[-1].reply_id)).usage
    assert usage
    return usage


async def test_a_reply_costs_what_the_provider_counts(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, "Hello ", "there.", TokenCount(1_000_000, 2_000_000))
    usage = await usage_of(store, await reply_to(stranger, session_id))
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (1_000_000, 2_000_000, False)
    assert usage.cost_usd == pytest.approx(0.59 + 2 * 0.79)


async def test_what_a_provider_does_not_count_is_estimated(
    stranger: Context, avatar: Avatar, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, "[happy] Hello ", "there.")
    usage = await usage_of(store, await reply_to(stranger, session_id, "Hi"))
    asked = estimated_tokens(avatar.system_prompt) + estimated_tokens("Hi")
    assert usage == Usage(asked, spoken := estimated_tokens("[happy] Hello there."), usage.cost_usd, estimated=True)
    assert usage.cost_usd == pytest.approx(price(FIRST, asked, spoken))


async def test_each_provider_of_a_reply_is_paid_by_its_own_price(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, TokenCount(100, 10), "Hello ", BROKEN)
    models.script(SECOND, "there.", TokenCount(300, 30))
    usage = await usage_of(store, await reply_to(stranger, session_id))
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (400, 40, False)
    assert usage.cost_usd == pytest.approx(price(FIRST, 100, 10) + price(SECOND, 300, 30))


async def test_a_provider_that_counted_but_said_nothing_is_paid_too(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, TokenCount(100, 0), BROKEN)
    models.script(SECOND, "Hello there.", TokenCount(300, 30))
    usage = await usage_of(store, await reply_to(stranger, session_id))
    assert (usage.input_tokens, usage.output_tokens) == (400, 30)
    assert usage.cost_usd == pytest.approx(price(FIRST, 100, 0) + price(SECOND, 300, 30))


async def test_a_stopped_reply_costs_what_was_said(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, TokenCount(100, 10), "Hello ", asyncio.Event())
    usage = (await chat.stop(stranger, await begun(stranger, session_id))).usage
    assert usage
    assert (usage.input_tokens, usage.output_tokens) == (100, 10)
    assert usage.cost_usd == pytest.approx(price(FIRST, 100, 10))


async def test_a_model_without_a_known_price_costs_nothing(
    ann: Context, stranger: Context, avatar: Avatar, models: ScriptedModels, store: Store
) -> None:
    await avatars.update(ann, avatar.id, {"ai_model": "brand-new"})
    models.script("groq/brand-new", "Hello.", TokenCount(100, 10))
    usage = await usage_of(store, await reply_to(stranger, await started(stranger, avatar)))
    assert usage == Usage(100, 10, 0.0)


async def test_a_reply_that_does_not_end_is_ended(stranger: Context, session_id: str, models: ScriptedModels) -> None:
    half = "x" * (REPLY_MAX_CHARS // 2)
    models.script(FIRST, half, half, "more")
    events = await reply_to(stranger, session_id)
    assert done(events).text == text_of(events) == half + half
    assert not done(events).interrupted
    assert models.closed == 1


class TestImpatience:
    @pytest.fixture
    def patience(self) -> Patience:
        return Patience(first_token=0.02, between_tokens=0.02)

    @pytest.mark.parametrize(("words", "switched"), [((), []), (("Hello ",), [(SECOND, "stalled")])])
    async def test_a_provider_that_stalls_is_not_waited_for(
        self,
        stranger: Context,
        session_id: str,
        models: ScriptedModels,
        words: tuple[str, ...],
        switched: list[tuple[str, str]],
    ) -> None:
        models.script(FIRST, *words, asyncio.Event())
        models.script(SECOND, "Hello there.")
        events = await reply_to(stranger, session_id)
        assert done(events).text == text_of(events) == "Hello there."
        assert switches(events) == switched
        assert models.closed == 1
