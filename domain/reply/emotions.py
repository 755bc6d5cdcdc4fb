"""Emotions of a reply, and the filter that takes their tags out of streamed text.

The names are those of the TalkingHead viewer library, so its users can reuse our stream.
"""

import re
from collections.abc import Sequence

from domain.reply.filters import Filter
from domain.reply.pieces import Feeling

NEUTRAL = "neutral"
EMOTIONS = (NEUTRAL, "happy", "sad", "angry", "fear", "disgust", "love", "sleep")
TAG = re.compile(rf"\[({'|'.join(EMOTIONS)})\] ?", re.IGNORECASE | re.ASCII)


class EmotionFilter(Filter):
    """Takes `[happy]` and its like out of text, and tells each change of feeling; a reply begins neutral.

    Text that may still become a tag is held back: ten characters at most.
    """

    def __init__(self) -> None:
        self._emotion = self._told = NEUTRAL
        self._held = ""
        self._silent = True

    def feed(self, text: str) -> str:
        """The words that are certain not to be part of a tag."""
        text = self._held + text
        cut = len(text) if (start := text.rfind("[")) < 0 or not may_be_tag(text[start:]) else start
        self._held = text[cut:]
        return self._words(text[:cut])

    def flush(self) -> str:
        """What was held back when the stream ended."""
        held, self._held = self._held, ""
        return self._words(held)

    def taken(self) -> Sequence[Feeling]:
        """The last emotion, where it is another one than before."""
        if self._emotion == self._told:
            return ()
        self._told = self._emotion
        return (Feeling(self._emotion),)

    def _words(self, text: str) -> str:
        if "[" in text:
            for tag in TAG.finditer(text):
                self._emotion = tag[1].lower()
            text = TAG.sub("", text)
        if self._silent:
            text = text.lstrip()
            self._silent = not text
        return text


def may_be_tag(text: str) -> bool:
    """Whether more text may make it a tag, or show the space that belongs to the tag."""
    return any(f"[{emotion}]".startswith(text.lower()) for emotion in EMOTIONS)
