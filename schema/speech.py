"""Speech with lip-sync as events of a reply. Times are in seconds from the segment's start."""

import strawberry


@strawberry.type
class SpeechAudio:
    url: str
    mime: str
    duration: float


@strawberry.type(description="A spoken word, and where its characters stand in the segment's text.")
class SpeechWord:
    word: str
    start: float
    end: float
    char_start: int
    char_end: int


@strawberry.type(description="One of the 15 Oculus visemes, named without prefix; sil is silence.")
class VisemeCue:
    viseme: str
    start: float
    end: float


@strawberry.type(
    description="One sentence as sound with lip-sync. No avatar speaks it in this version: visitors' browsers do."
)
class SpeechSegment:
    seq: int
    reply_id: strawberry.ID
    audio: SpeechAudio
    words: list[SpeechWord]
    visemes: list[VisemeCue]
    emotion: str
    gesture: str | None
