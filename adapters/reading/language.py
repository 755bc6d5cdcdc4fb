"""Which language a document is in."""

from collections.abc import Sequence

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from domain.knowledge.reading import Piece

SAMPLES = 12
SURE = 0.5

_identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def language_of(pieces: Sequence[Piece]) -> str:
    """The ISO 639-1 code by samples from all over the document; empty when it cannot be told."""
    step = max(1, len(pieces) // SAMPLES)
    code, sure = _identifier.classify("\n".join(piece.text for piece in pieces[::step][:SAMPLES]))
    return code if sure >= SURE and len(code) == 2 else ""
