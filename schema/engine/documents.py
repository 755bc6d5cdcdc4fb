"""Stored documents: operations that the server knows by the hash of their text.

Two spellings are taken: `documentId` of GraphQL over HTTP, and Apollo's `extensions.persistedQuery`. Nobody can
store another document by sending it.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from domain.errors import PersistedQueryNotFound

PREFIX = "sha256:"


class Documents:
    def __init__(self, texts: Iterable[str]) -> None:
        self._by_hash = {sha256(text.encode()).hexdigest(): text for text in texts}

    def fill(self, sent: dict[str, Any]) -> None:
        """Sets the `query` of an operation that has only an id. Raises `PersistedQueryNotFound`."""
        asked = asked_for(sent)
        if asked is None or sent.get("query"):
            return
        text = self._by_hash.get(asked)
        if text is None:
            raise PersistedQueryNotFound(
                "No document is stored under this id. Reload the page, or send the operation's text as query."
            )
        sent["query"] = text


def asked_for(sent: Mapping[str, Any]) -> str | None:
    """The hash of the stored document that an operation names, if it names one."""
    document_id = sent.get("documentId")
    if isinstance(document_id, str):
        return document_id.removeprefix(PREFIX)
    extensions = sent.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    asked = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    return asked if isinstance(asked, str) else None
