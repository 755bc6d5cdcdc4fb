"""Events are shown by the compiled projection exactly as graphql-core shows them, or by graphql-core itself."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest
import strawberry
from graphql import ExecutionResult, get_named_type, is_leaf_type, parse
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.directive import DirectiveLocation, DirectiveValue
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from domain.sessions import MessageStatus, Role
from schema import chat, speech
from schema.engine.places import Place, place_of_operation
from schema.engine.projection import Executed, ProjectingExecutor, send_at_once
from schema.root import schema
from schema.sessions import Citation, Latency, Message
from tests.doors.doors import START
from tests.schema.conftest import Client, socket

TIMES = st.integers(1, 2)
TYPES: dict[str, Any] = dict(schema._schema.type_map)
NUMBERS = {"seq": st.integers(-(2**33), 2**33), "reply_id": st.text()}
SECONDS = {"start": st.floats(), "end": st.floats()}
MESSAGES = st.builds(
    Message, id=st.text(), role=st.sampled_from(Role), content=st.text(), status=st.sampled_from(MessageStatus),
    emotion=st.text(), model=st.none() | st.text(), created_at=st.datetimes(timezones=st.timezones()),
)  # fmt: skip
SOURCES = st.builds(
    Citation, title=st.text(), relevance=st.floats(), number=st.integers(0, 99), knowledge_id=st.none() | st.text(),
    passage_id=st.none() | st.text(), url=st.none() | st.text(), page=st.none() | st.integers(1, 50),
)  # fmt: skip
EVENTS: dict[str, st.SearchStrategy[Any]] = {
    "ReplyStarted": st.builds(chat.ReplyStarted, **NUMBERS),
    "ReplyChunk": st.builds(chat.ReplyChunk, text=st.text(), **NUMBERS),
    "EmotionChanged": st.builds(chat.EmotionChanged, emotion=st.text(), **NUMBERS),
    "ProviderSwitched": st.builds(chat.ProviderSwitched, model=st.text(), reason=st.text(), **NUMBERS),
    "ReplyFailed": st.builds(
        chat.ReplyFailed, code=st.text(), reason=st.text(), retryable=st.booleans(), **NUMBERS
    ),
    "ReplyDone": st.builds(
        chat.ReplyDone, message=MESSAGES, text=st.text(), emotion=st.text(), model=st.text(), interrupted=st.booleans(),
        sources=st.lists(SOURCES, max_size=3),
        latency=st.builds(Latency, total=st.integers(0, 2**31), llm=st.integers(0, 2**31)), **NUMBERS,
    ),
    "SpeechSegment": st.builds(
        speech.SpeechSegment, emotion=st.text(), gesture=st.none() | st.text(), **NUMBERS,
        audio=st.builds(speech.SpeechAudio, url=st.text(), mime=st.text(), duration=st.floats()),
        words=st.lists(st.builds(speech.SpeechWord, word=st.text(), char_start=st.integers(), char_end=st.integers(),
                                 **SECONDS), max_size=2),
        visemes=st.lists(st.builds(speech.VisemeCue, viseme=st.text(), **SECONDS), max_size=2),
    ),
}  # fmt: skip
DIRECTIVES = [
    *[""] * 6, "@include(if: $a)", "@skip(if: $a)", "@skip(if: $b)", "@include(if: true) @skip(if: $a)",
]  # fmt: skip


class Writer:
    """Writes operations that select much of one kind of event, and a little of the others.

    An alias names its field, so that equal keys always merge.
    """

    def __init__(self, kind: str, draw: st.DrawFn) -> None:
        self._kind, self._draw = kind, draw
        self._shared: tuple[str, ...] = ()

    def _one(self, *choices: str) -> str:
        return self._draw(st.sampled_from(choices))

    def document(self) -> str:
        shared = ("ReplyEvent", "Message", self._kind)
        fragments = [f"fragment Shared{each} on {each} {self._selected(each, 1)}" for each in shared]
        self._shared = shared
        alias = self._one("", "answer: ")
        roots = [f'{alias}reply(replyId: "x") {self._selected("ReplyEvent", 4)}' for _ in range(self._draw(TIMES))]
        return " ".join(["subscription ($a: Boolean!, $b: Boolean! = true) {", *roots, "}", *fragments])

    def _selected(self, type_name: str, deep: int) -> str:
        makers = [self._typename, *[self._fragment] * 3 * (deep > 0), *[self._field] * 6 * (type_name != "ReplyEvent")]
        chosen = self._draw(st.lists(st.sampled_from(makers), min_size=1, max_size=5))
        return f"{{ {' '.join(make(type_name, self._one(*DIRECTIVES), deep) for make in chosen)} }}"

    def _typename(self, _: str, directive: str, __: int) -> str:
        return f"{self._one('', 'kind: ')}__typename {directive}"

    def _field(self, type_name: str, directive: str, deep: int) -> str:
        name = self._one(*TYPES[type_name].fields)
        inner = get_named_type(TYPES[type_name].fields[name].type)
        selected = "" if is_leaf_type(inner) else self._selected(inner.name, deep - 1)
        return f"{self._one('', f'my_{name}: ')}{name} {directive} {selected}"

    def _fragment(self, type_name: str, directive: str, deep: int) -> str:
        """An inline fragment, or one of those that are shared."""
        type_ = TYPES[type_name]
        others = type_.types if type_name == "ReplyEvent" else type_.interfaces
        on = self._one(type_name, *[self._kind] * 8 * (type_name == "ReplyEvent"), *(each.name for each in others))
        if on in self._shared and self._one("inline", "shared") == "shared":
            return f"...Shared{on} {directive}"
        condition = self._one("", "on") if on == type_name else "on"
        return f"... {condition and f'on {on}'} {directive} {self._selected(on, deep - 1)}"


@st.composite
def shown_operations(draw: st.DrawFn) -> tuple[Any, str]:
    """An event, and an operation that shows it."""
    kind = draw(st.sampled_from(sorted(EVENTS)))
    return draw(EVENTS[kind]), Writer(kind, draw).document()


def per_event(kind: type[Any], event: Any, query: str, schema: Any = schema, variables: Any = None) -> Any:
    """What graphql-core is given to execute one event."""
    return kind.build(schema._schema, parse(query), raw_variable_values=variables).build_per_event_executor(event)


def results(*case: Any) -> tuple[ExecutionResult, ExecutionResult, bool]:
    """The event as it is shown, as graphql-core shows it, and whether it was projected."""
    executor = per_event(ProjectingExecutor, *case)
    expected = per_event(StrawberryGraphQLCoreExecutionContext, *case).execute_operation(False)
    return executor.execute_operation(False), expected, isinstance(executor, Executed)


def test_every_kind_of_event_is_tried() -> None:
    assert set(EVENTS) == {each.name for each in TYPES["ReplyEvent"].types}


@settings(max_examples=100)
@given(case=shown_operations(), a=st.booleans(), b=st.none() | st.booleans())
def test_an_event_is_shown_as_graphql_core_shows_it(case: tuple[Any, str], a: bool, b: bool | None) -> None:
    variables = {"a": a} if b is None else {"a": a, "b": b}
    found, expected, projected = results(*case, schema, variables)
    assert orjson.dumps(found.data) == orjson.dumps(expected.data)
    assert found.errors == expected.errors
    assert projected is (expected.errors is None)


@strawberry.directive(locations=[DirectiveLocation.FIELD])
def shouted(value: DirectiveValue[str]) -> str:
    return value.upper()


@strawberry.type
class Part:
    name: str | None


@strawberry.type
class Whole:
    name: str
    parts: list[Part]
    size: float = 1.0

    @strawberry.field
    def greeting(self, to: str = "you") -> str:
        return f"{self.name} greets {to}"

    @strawberry.field
    async def later(self) -> str:
        return f"{self.name} later"

    @strawberry.field
    def seen_by(self, info: strawberry.Info[str]) -> str:
        return info.context


class Special(Whole):
    pass


@strawberry.type
class Query:
    whole: Whole


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def whole(self) -> AsyncGenerator[Whole]:
        for kind, name in (Whole, "One"), (Special, "Two"), (Whole, "Three"):
            yield kind(name=name, parts=[Part(name=None)])


SMALL = strawberry.Schema(Query, subscription=Subscription, execution_context_class=ProjectingExecutor)
SHOUTING = strawberry.Schema(
    Query, subscription=Subscription, directives=[shouted], execution_context_class=ProjectingExecutor
)
PARTS = [Part(name="p"), Part(name=None)]


async def everything(query: str, schema: strawberry.Schema = SMALL) -> list[Any]:
    stream: Any = await schema.stream(query)
    return [result async for result in stream]


async def test_a_stream_is_shown_event_by_event() -> None:
    events = await everything("subscription { all: whole { name parts { name } } }")
    assert [(event.errors, event.data) for event in events] == [
        (None, {"all": {"name": name, "parts": [{"name": None}]}}) for name in ("One", "Two", "Three")
    ]


async def test_callers_who_send_the_same_text_see_with_their_own_context() -> None:
    for caller in ("Ann", "Ben"):
        stream: Any = await SMALL.stream("subscription { whole { seenBy } }", context_value=caller)
        assert [result.data async for result in stream] == [{"whole": {"seenBy": caller}}] * 3


async def test_what_is_projected_is_sent_at_once_and_in_order() -> None:
    shown: list[tuple[str, Any]] = []

    async def send(data: Any) -> None:
        shown.append(("at once", data["whole"]["name"]))

    token, place = send_at_once.set(send), place_of_operation.set(Place(asyncio.Semaphore()))
    stream: Any = await SMALL.stream("subscription { whole { name } }")
    async for result in stream:
        shown.append(("executed", result.data["whole"]["name"]))
    send_at_once.reset(token)
    place_of_operation.reset(place)
    assert shown == [("at once", "One"), ("executed", "Two"), ("at once", "Three")]


class Quoting(SchemaExtension):
    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        value = _next(root, info, *args, **kwargs)
        return f"'{value}'" if isinstance(value, str) else value


async def test_extensions_that_wrap_fields_are_heard() -> None:
    quoting = strawberry.Schema(
        Query, subscription=Subscription, extensions=[Quoting], execution_context_class=ProjectingExecutor
    )
    first = (await everything("subscription { whole { name } }", quoting))[0]
    assert (first.errors, first.data) == (None, {"whole": {"name": "'One'"}})


@pytest.mark.parametrize(
    ("schema", "selected", "expected"),
    [
        (SMALL, '{ greeting(to: "me") }', {"greeting": "One greets me"}),
        (SMALL, "{ greeting }", {"greeting": "One greets you"}),
        (SMALL, "{ name later }", {"name": "One", "later": "One later"}),
        (SHOUTING, "{ name @shouted parts { name } }", {"name": "ONE", "parts": [{"name": None}]}),
    ],
)
async def test_what_is_not_understood_is_left_to_graphql_core(schema: Any, selected: str, expected: object) -> None:
    query = f"subscription {{ whole {selected} }}"
    assert not isinstance(per_event(ProjectingExecutor, Whole(name="One", parts=[]), query, schema), Executed)
    first = (await everything(query, schema))[0]
    assert (first.errors, first.data) == (None, {"whole": expected})


@pytest.mark.parametrize(
    ("event", "answered"),
    [
        (Whole(name="One", parts=PARTS), True),
        (Whole(name="One", parts=tuple(PARTS)), False),  # type: ignore[arg-type]
        (Special(name="One", parts=PARTS), False),
        (Whole(name=None, parts=PARTS), False),  # type: ignore[arg-type]
        (Whole(name=ValueError("No name"), parts=PARTS), False),  # type: ignore[arg-type]
        (Whole(name="One", parts=PARTS, size=float("inf")), False),
        (None, False),
        (RuntimeError("No event"), False),
    ],
)
def test_an_event_that_is_not_plain_is_left_to_graphql_core(event: Any, answered: bool) -> None:
    query = "subscription { whole { name size parts { name } } }"
    found, expected, projected = results(event, query, SMALL)
    assert (found, projected) == (expected, answered)


@pytest.mark.parametrize("with_seq", [True, False])
async def test_a_reply_over_a_socket(stranger: Client, with_seq: bool) -> None:
    stranger.house.models.script(stranger.house.first, "[happy] Gladly!")
    started = await stranger.data(START, input={"shortId": "DemoAvatar1"})
    sent = {"sessionId": started["startSession"]["session"]["id"], "content": "Hi"}
    query = """subscription ($input: SendMessageInput!, $seq: Boolean!) { events: chat(input: $input) {
      kind: __typename ...Numbered @include(if: $seq)
      ... on ReplyDone { message { ... on Node { id } role createdAt } text message { said: content } }
    } } fragment Numbered on ReplyEvent { ... on ReplyChunk { seq text } ... on ReplyDone { seq } }"""
    payload = {"query": query, "variables": {"input": sent, "seq": with_seq}}
    async with socket(stranger) as opened:
        await opened.send_json({"id": "1", "type": "subscribe", "payload": payload})
        events: list[Any] = []
        while (message := await opened.receive_json())["type"] == "next":
            events.append(message["payload"]["data"]["events"])
    assert message == {"id": "1", "type": "complete"}
    assert (events[0], events[-1]["kind"]) == ({"kind": "ReplyStarted"}, "ReplyDone")
    assert all(("seq" in event) is with_seq for event in events if event["kind"] in ("ReplyChunk", "ReplyDone"))
    message = events[-1]["message"]
    assert (message["role"], message["said"], events[-1]["text"]) == ("assistant", "Gladly!", "Gladly!")
    found = await stranger.data("query ($id: ID!) { node(id: $id) { ... on Message { createdAt } } }", id=message["id"])
    assert found["node"]["createdAt"] == message["createdAt"]
