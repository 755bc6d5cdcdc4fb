"""A model made of models: who is asked, what is heard, and what is told of a switch."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from adapters.ai.failures import http_failure
from domain.ai.models import Candidate
from domain.ai.prompts import Prompt, Utterance
from domain.ai.providers import Delta, Patience, TokenCount
from domain.avatars import AiProvider
from domain.errors import ProviderFailure
from domain.failover import COOLDOWN, LONGEST_COOLDOWN, Failover, ProviderHealth
from domain.reply.pieces import Switched, Words
from domain.sessions import Role
from domain.telemetry import Effort
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels

GROQ = Candidate(AiProvider.GROQ, "llama")
OPENAI = Candidate(AiProvider.OPENAI, "gpt")
XAI = Candidate(AiProvider.XAI, "grok")
PROMPT = Prompt("You are Ada.", (Utterance(Role.USER, "Who are you?"),))
BROKEN = ProviderFailure("broken_stream")
REFUSED = ProviderFailure("http_400", refused=True)
IMPATIENT = Patience(first_token=0, between_tokens=0)
"""Enough for a scripted model, which has its next piece at once or never."""


@pytest.fixture
def models() -> ScriptedModels:
    return ScriptedModels()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def health(clock: FakeClock) -> ProviderHealth:
    return ProviderHealth(clock)


class Listener:
    """Hears one reply. `heard` are its pieces so far, `failure` why it ended, if it failed."""

    def __init__(self, models: ScriptedModels, health: ProviderHealth, patience: Patience | None = None) -> None:
        self.effort = Effort(FakeClock().monotonic)
        self.failover = Failover(models, health, patience or Patience(), self.effort)
        self.heard: list[Words | Switched] = []
        self.failure: ProviderFailure | None = None
        self.hears = asyncio.Event()

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.heard if isinstance(piece, Words))

    @property
    def switches(self) -> list[Switched]:
        return [piece for piece in self.heard if isinstance(piece, Switched)]

    async def listen(self, *candidates: Candidate) -> "Listener":
        try:
            async for piece in self.failover.stream(candidates, PROMPT):
                self.heard.append(piece)
                self.hears.set()
        except ProviderFailure as failure:
            self.failure = failure
        return self


async def test_a_whole_reply_passes_as_it_is(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, "I am ", "Ada.", TokenCount(9, 3))
    reply = await Listener(models, health).listen(GROQ, OPENAI)
    assert reply.heard == [Words("I am "), Words("Ada.")]
    assert reply.effort.model == GROQ.id
    assert models.calls == [GROQ]
    assert models.prompts == [PROMPT]


async def test_an_error_before_the_first_word_is_silent(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, ProviderFailure("http_500"))
    models.script(OPENAI.id, "I am Ada.")
    reply = await Listener(models, health).listen(GROQ, OPENAI)
    assert reply.heard == [Words("I am Ada.")]
    assert reply.effort.model == OPENAI.id
    assert models.prompts == [PROMPT, PROMPT]


async def test_a_break_after_words_is_told_and_continued(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, "I am ", "Ada", BROKEN)
    models.script(OPENAI.id, " the", " avatar.", TokenCount(20, 2))
    reply = await Listener(models, health).listen(GROQ, OPENAI)
    assert reply.heard == [
        Words("I am "),
        Words("Ada"),
        Switched(OPENAI.id, "broken_stream"),
        Words(" the"),
        Words(" avatar."),
    ]
    assert models.prompts[1].said == "I am Ada"
    assert reply.effort.model == OPENAI.id


@pytest.mark.parametrize("restart", ["I am Ada, the avatar.", "Ada, the avatar.", ", the avatar.", " , the avatar."])
async def test_nothing_is_said_twice(models: ScriptedModels, health: ProviderHealth, restart: str) -> None:
    models.script(GROQ.id, "I am Ada", BROKEN)
    models.script(OPENAI.id, *restart)
    reply = await Listener(models, health).listen(GROQ, OPENAI)
    assert reply.text.replace(" ,", ",") == "I am Ada, the avatar."


async def test_three_models_speak_one_reply(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, "One", BROKEN)
    models.script(OPENAI.id, "One, two", ProviderFailure("error_in_stream"))
    models.script(XAI.id, "One, two, three.")
    reply = await Listener(models, health).listen(GROQ, OPENAI, XAI)
    assert reply.text == "One, two, three."
    assert reply.switches == [Switched(OPENAI.id, "broken_stream"), Switched(XAI.id, "error_in_stream")]
    assert [prompt.said for prompt in models.prompts] == ["", "One", "One, two"]


async def test_a_candidate_that_fails_between_two_speakers_is_not_told(
    models: ScriptedModels, health: ProviderHealth
) -> None:
    models.script(GROQ.id, "One", BROKEN)
    models.script(OPENAI.id, ProviderFailure("http_503"))
    models.script(XAI.id, ", two.")
    reply = await Listener(models, health).listen(GROQ, OPENAI, XAI)
    assert reply.text == "One, two."
    assert reply.switches == [Switched(XAI.id, "http_503")]


async def test_a_second_model_with_nothing_to_add_ends_the_reply(
    models: ScriptedModels, health: ProviderHealth
) -> None:
    models.script(GROQ.id, "I am Ada.", BROKEN)
    models.script(OPENAI.id, "I am ", "Ada.")
    reply = await Listener(models, health).listen(GROQ, OPENAI)
    assert (reply.text, reply.switches, reply.failure) == ("I am Ada.", [], None)


@pytest.mark.parametrize("steps", [(), ("",), (" ", "\n"), (TokenCount(9, 0),)])
async def test_a_reply_without_a_word_is_a_failure(
    models: ScriptedModels, health: ProviderHealth, steps: tuple[str]
) -> None:
    models.script(GROQ.id, *steps)
    models.script(OPENAI.id, "I am Ada.")
    reply = await Listener(models, health).listen(GROQ, OPENAI)
    assert reply.text == "I am Ada."
    assert (await Listener(models, ProviderHealth(FakeClock())).listen(GROQ)).failure is not None


async def test_silence_does_not_complete_a_broken_reply(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, "I am", BROKEN)
    models.script(OPENAI.id)
    models.script(XAI.id, " Ada.")
    reply = await Listener(models, health).listen(GROQ, OPENAI, XAI)
    assert (reply.text, reply.switches) == ("I am Ada.", [Switched(XAI.id, "empty_reply")])


async def test_a_reply_does_not_begin_with_white_space(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, "\n", "\n I", " am Ada.")
    assert (await Listener(models, health).listen(GROQ)).text == "I am Ada."


async def test_the_last_failure_is_raised(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, ProviderFailure("http_500"))
    models.script(OPENAI.id, ProviderFailure("http_503"))
    reply = await Listener(models, health).listen(GROQ, OPENAI)
    assert reply.failure is not None
    assert reply.failure.reason == "http_503"
    assert reply.effort.model is None


async def test_without_candidates_there_is_nobody_to_ask(models: ScriptedModels, health: ProviderHealth) -> None:
    reply = await Listener(models, health).listen()
    assert reply.failure is not None
    assert reply.failure.reason == "no_candidate"


@pytest.mark.parametrize("before", [(), ("I am",)])
async def test_a_refusal_is_final(models: ScriptedModels, health: ProviderHealth, before: tuple[str, ...]) -> None:
    models.script(GROQ.id, *before, REFUSED)
    models.script(OPENAI.id, "I am Ada.")
    reply = await Listener(models, health).listen(GROQ, OPENAI)
    assert reply.failure is REFUSED
    assert reply.text == "".join(before)
    assert models.calls == [GROQ]


OWN = Candidate(AiProvider.GROQ, "llama", api_key="sk-own")
CUSTOM = Candidate(AiProvider.CUSTOM, "llama", base_url="https://models.example/v1")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("before", [(), ("I am",)])
async def test_a_bad_key_of_the_server_leads_to_the_next(
    models: ScriptedModels, health: ProviderHealth, before: tuple[str, ...], status: int
) -> None:
    models.script(GROQ.id, *before, http_failure(status))
    models.script(OPENAI.id, "I am Ada.")
    reply = await Listener(models, health).listen(GROQ, OPENAI)
    assert (reply.text, reply.failure) == ("I am Ada.", None)
    assert health.ordered([GROQ, OPENAI]) == [OPENAI, GROQ]


@pytest.mark.parametrize("candidate", [OWN, CUSTOM])
async def test_a_bad_key_of_an_owner_is_theirs_to_mend(
    models: ScriptedModels, health: ProviderHealth, candidate: Candidate
) -> None:
    models.script(candidate.id, http_failure(401))
    reply = await Listener(models, health).listen(candidate, OPENAI)
    assert reply.failure is not None
    assert reply.failure.refused
    assert [call.id for call in models.calls] == [candidate.id]


async def test_when_all_keys_of_the_server_are_bad_nobody_is_at_fault(
    models: ScriptedModels, health: ProviderHealth
) -> None:
    models.script(GROQ.id, http_failure(401))
    models.script(OPENAI.id, http_failure(403))
    reply = await Listener(models, health).listen(GROQ, OPENAI)
    assert reply.failure is not None
    assert (reply.failure.reason, reply.failure.refused) == ("http_403", False)


async def test_a_refusal_says_nothing_about_health(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, REFUSED)
    await Listener(models, health).listen(GROQ)
    assert health.ordered([GROQ, OPENAI]) == [GROQ, OPENAI]


async def test_silence_is_left_for_the_next(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, asyncio.Event())
    models.script(OPENAI.id, "I am Ada.")
    reply = await Listener(models, health, IMPATIENT).listen(GROQ, OPENAI)
    assert reply.heard == [Words("I am Ada.")]
    assert models.closed == 1


async def test_a_stall_after_words_is_told_and_continued(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, "I am", asyncio.Event())
    models.script(OPENAI.id, " Ada.")
    reply = await Listener(models, health, IMPATIENT).listen(GROQ, OPENAI)
    assert reply.text == "I am Ada."
    assert reply.switches == [Switched(OPENAI.id, "stalled")]
    assert models.closed == 1


@pytest.mark.parametrize(
    ("patience", "before", "reason"),
    [
        (Patience(first_token=0), (), "first_token_timeout"),
        (Patience(between_tokens=0), ("I am",), "stalled"),
        (Patience(total=0), (), "total_timeout"),
        (Patience(total=0), ("I am",), "total_timeout"),
    ],
)
async def test_why_our_patience_ended(
    models: ScriptedModels, health: ProviderHealth, patience: Patience, before: tuple[str, ...], reason: str
) -> None:
    models.script(GROQ.id, *before, asyncio.Event())
    reply = await Listener(models, health, patience).listen(GROQ)
    assert reply.failure is not None
    assert reply.failure.reason == reason


async def test_a_pause_within_our_patience_changes_nothing(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, "I am", more := asyncio.Event(), " Ada.")
    reply = Listener(models, health)
    listening = asyncio.create_task(reply.listen(GROQ))
    await reply.hears.wait()
    more.set()
    await listening
    assert (reply.text, reply.switches) == ("I am Ada.", [])


async def test_leaving_early_closes_the_model(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, "I am", " Ada.", " And more.")
    async with aclosing(
        Failover(models, health, Patience(), Effort(FakeClock().monotonic)).stream([GROQ], PROMPT)
    ) as pieces:
        await anext(pieces)
    assert models.closed == 1


async def test_being_cancelled_closes_the_model(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, "I am", asyncio.Event())
    reply = Listener(models, health)
    listening = asyncio.create_task(reply.listen(GROQ, OPENAI))
    await reply.hears.wait()
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert models.closed == 1
    assert models.calls == [GROQ]


async def test_what_is_no_failure_of_a_provider_is_not_hidden(models: ScriptedModels, health: ProviderHealth) -> None:
    class Buggy(ScriptedModels):
        async def stream(self, candidate: Candidate, prompt: Prompt) -> AsyncGenerator[Delta]:
            raise LookupError
            yield

    with pytest.raises(LookupError):
        await Listener(Buggy(), health).listen(GROQ, OPENAI)


class TestHealth:
    async def test_who_failed_is_asked_last_for_a_while(
        self, models: ScriptedModels, health: ProviderHealth, clock: FakeClock
    ) -> None:
        models.script(GROQ.id, BROKEN)
        models.script(OPENAI.id, "I am Ada.")
        await Listener(models, health).listen(GROQ, OPENAI)
        assert health.ordered([GROQ, OPENAI, XAI]) == [OPENAI, XAI, GROQ]
        clock.advance(COOLDOWN)
        assert health.ordered([GROQ, OPENAI, XAI]) == [GROQ, OPENAI, XAI]

    async def test_who_is_down_is_asked_when_nobody_else_is_left(
        self, models: ScriptedModels, health: ProviderHealth
    ) -> None:
        health.failed(GROQ, None)
        models.script(GROQ.id, "I am Ada.")
        assert (await Listener(models, health).listen(GROQ)).text == "I am Ada."

    async def test_who_speaks_again_is_well(self, models: ScriptedModels, health: ProviderHealth) -> None:
        health.failed(GROQ, None)
        models.script(GROQ.id, "I am Ada.")
        await Listener(models, health).listen(GROQ)
        assert health.ordered([GROQ, OPENAI]) == [GROQ, OPENAI]

    @pytest.mark.parametrize(("wish", "seconds"), [(5.0, 5.0), (0.0, 0.0), (1e9, LONGEST_COOLDOWN), (None, COOLDOWN)])
    async def test_the_providers_own_wish_is_granted(
        self, health: ProviderHealth, clock: FakeClock, wish: float | None, seconds: float
    ) -> None:
        health.failed(GROQ, wish)
        assert health.ordered([GROQ, OPENAI]) == ([OPENAI, GROQ] if seconds else [GROQ, OPENAI])
        clock.advance(seconds)
        assert health.ordered([GROQ, OPENAI]) == [GROQ, OPENAI]

    async def test_one_owners_bad_key_is_no_concern_of_others(self, health: ProviderHealth) -> None:
        own = Candidate(AiProvider.GROQ, "llama", "sk-own")
        health.failed(own, None)
        assert health.ordered([own, GROQ]) == [GROQ, own]


async def test_each_attempt_is_a_step_of_the_report(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, ProviderFailure("http_500"))
    models.script(OPENAI.id, "I am ", ProviderFailure("broken_stream"))
    models.script(XAI.id, "Ada.")
    reply = await Listener(models, health).listen(GROQ, OPENAI, XAI)
    assert [(step.name, step.model, step.outcome) for step in reply.effort.steps] == [
        ("attempt", GROQ.id, "http_500"),
        ("attempt", OPENAI.id, "broken_stream"),
        ("attempt", XAI.id, "ok"),
    ]


async def test_an_attempt_that_nobody_waits_for_is_interrupted(models: ScriptedModels, health: ProviderHealth) -> None:
    models.script(GROQ.id, "I am ", asyncio.Event())
    reply = Listener(models, health)
    listening = asyncio.create_task(reply.listen(GROQ))
    await reply.hears.wait()
    listening.cancel()
    await asyncio.wait({listening})
    assert [(step.model, step.outcome) for step in reply.effort.steps] == [(GROQ.id, "interrupted")]
