"""Opening a turn, within one transaction: the visitor's words, and the place of the reply to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.ai.prompts import Utterance
from domain.avatars import Avatar
from domain.errors import BadRequest, SessionBusy
from domain.ids import growing_id
from domain.sessions import Message, MessageStatus, Role, Sent, Session
from domain.tables import Tx
from resolvers.answering.transcript import Opened
from resolvers.answering.turns import HISTORY_MESSAGES, QUEUE_MOST, Turns

CLIENT_HISTORY_MAX = 50


@dataclass(frozen=True, slots=True)
class Opening:
    """What a visitor sends. `accepted` is the clock's monotonic time when it arrived, `now` its time of day."""

    turns: Turns
    content: str
    client_message_id: str | None
    history: Sequence[Utterance]
    now: datetime
    accepted: float

    def open(self, tx: Tx, session: Session, avatar: Avatar, has_place: bool) -> Opened | Sent:
        """A turn to be started, or what was sent before under the same id."""
        if message := self._sent_before(tx, session):
            return self._again(tx, session, avatar, message, has_place)
        session.require_open(self.now)
        session.require_opened_with(avatar.password_mark)
        if not has_place:
            raise SessionBusy(f"{QUEUE_MOST} messages wait for their answers. Send this one after the next reply.")
        before = tx.messages.history(session.id, HISTORY_MESSAGES)
        message = Message(
            growing_id(self.now), session.id, Role.USER, self.content,
            created_at=self.now, client_message_id=self.client_message_id,
        )  # fmt: skip
        reply = self._reply_to(message)
        informed = tx.passages.has_any(avatar.id)
        tx.messages.add_turn(message, reply, self.turns.server)
        tx.sessions.touch(session.id, self.now)
        return self._opened(avatar, message, reply, before, informed)

    def _sent_before(self, tx: Tx, session: Session) -> Message | None:
        if not self.client_message_id:
            return None
        message = tx.messages.of_client(session.id, self.client_message_id)
        if message and message.content != self.content:
            raise BadRequest.field("clientMessageId", "was already used for other words in this session")
        return message

    def _again(self, tx: Tx, session: Session, avatar: Avatar, message: Message, has_place: bool) -> Opened | Sent:
        """A reply that is stored and yet spoken by nobody is begun: its commit had landed, but nobody was told."""
        reply = tx.messages.reply_to(message)
        if reply is None:
            reply = self._reply_to(message)
            tx.messages.add(reply)
        elif not (has_place and session.is_open(self.now) and self._is_mute(tx, reply)):
            return Sent(message, reply.id)
        tx.messages.take_over(reply.id, self.turns.server)
        before = tx.messages.history(session.id, HISTORY_MESSAGES, before=message.id)
        return self._opened(avatar, message, reply, before, tx.passages.has_any(avatar.id))

    def _is_mute(self, tx: Tx, reply: Message) -> bool:
        if reply.status is not MessageStatus.STREAMING or self.turns.speaks(reply.id):
            return False
        return tx.messages.is_abandoned(reply.id, self.turns.server, self.now)

    def _reply_to(self, message: Message) -> Message:
        return Message(
            growing_id(self.now), message.session_id, Role.ASSISTANT, "",
            created_at=self.now, status=MessageStatus.STREAMING, in_reply_to=message.id,
        )  # fmt: skip

    def _opened(
        self, avatar: Avatar, message: Message, reply: Message, before: Sequence[Utterance], informed: bool
    ) -> Opened:
        history = tuple(self.history[-CLIENT_HISTORY_MAX:])
        return Opened(avatar, message, reply, before, history, informed, self.accepted)
