"""Joins a second model's words to those that were already said, so that nothing is said twice."""

SURE_OVERLAP = 12
SPACE_MOST = 64
FIRST_CJK = "\u2e80"


class Continuation:
    """Filters the second model's stream.

    Text is held back while it only repeats what was said. What it repeats of the end of `said` is
    then dropped, whether the model began again from the start or from some earlier word.
    """

    def __init__(self, said: str) -> None:
        self._said = said
        self._space = ""
        self._held = ""
        self._joined = False

    def feed(self, text: str) -> str:
        if self._joined:
            return text
        text = self._space + self._held + text
        self._held = text.lstrip()
        self._space = text[: len(text) - len(self._held)][-SPACE_MOST:]
        if self._held in self._said:
            return ""
        return self._join()

    def flush(self) -> str:
        """What was held back when the stream ended, unless the model only began again from the start."""
        if self._joined or self._said.startswith(self._held) or len(self._held) >= SURE_OVERLAP:
            return ""
        return self._join()

    def _join(self) -> str:
        self._joined = True
        repeated = overlap(self._said, self._held)
        if repeated or not self._said or self._said[-1].isspace():
            return self._held[repeated:]
        space = " " if needs_space(self._said, self._held) else ""
        return (self._space or space) + self._held


def overlap(said: str, text: str) -> int:
    """How many characters at the start of `text` repeat the end of `said`.

    A short repetition counts only where it is made of whole words: after "a", "and" repeats nothing.
    """
    for length in range(min(len(said), len(text)), 0, -1):
        if said.endswith(text[:length]) and is_repetition(said, text, length):
            return length
    return 0


def is_repetition(said: str, text: str, length: int) -> bool:
    starts_a_word = length == len(said) or not (said[-length - 1].isalnum() and text[0].isalnum())
    ends_a_word = length == len(text) or not (text[length - 1].isalnum() and text[length].isalnum())
    return length == len(said) or (starts_a_word and (ends_a_word or length >= SURE_OVERLAP))


def needs_space(said: str, rest: str) -> bool:
    if not said or not rest or said[-1] >= FIRST_CJK or rest[0] >= FIRST_CJK:
        return False
    return rest[0].isalnum() and (said[-1].isalnum() or said[-1] in ".,;:!?)")
