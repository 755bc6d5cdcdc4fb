"""Knowledge in memory: items, passages and jobs."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from adapters.words import ranking
from adapters.words.terms import hidden, questions_terms
from domain.jobs import Job, Lane
from domain.knowledge.items import KnowledgeItem, KnowledgeTotals, Match, Passage
from domain.tables import Jobs, Knowledge, Passages
from tests.fakes.tables import Tables, page_of, require


class MemoryKnowledge(Knowledge):
    def __init__(self, tables: Tables) -> None:
        self._tables, self._rows = tables, tables.knowledge

    def by_id(self, avatar_id: str, item_id: str) -> KnowledgeItem | None:
        item = self._rows.get(item_id)
        return item if item and item.avatar_id == avatar_id else None

    def by_ids(self, avatar_id: str, item_ids: Collection[str]) -> list[KnowledgeItem]:
        return [item for item_id in item_ids if (item := self.by_id(avatar_id, item_id))]

    def of_account(self, account_id: str, item_id: str) -> KnowledgeItem | None:
        item = self._rows.get(item_id)
        return item if item and self._tables.avatars[item.avatar_id].account_id == account_id else None

    def of_avatar(self, avatar_id: str) -> list[KnowledgeItem]:
        own = [row for row in self._rows.values() if row.avatar_id == avatar_id]
        return sorted(own, key=lambda row: (row.created_at, row.id), reverse=True)

    def page(self, avatar_id: str, first: int, after: str | None) -> list[KnowledgeItem]:
        return page_of(self.of_avatar(avatar_id), first, after, lambda row: row.id)

    def totals(self, account_id: str) -> KnowledgeTotals:
        avatars = {avatar.id for avatar in self._tables.avatars.values() if avatar.account_id == account_id}
        sizes = [row.size for row in self._rows.values() if row.avatar_id in avatars]
        return KnowledgeTotals(len(sizes), sum(sizes))

    def add(self, item: KnowledgeItem, body: bytes | None) -> None:
        require(item.id not in self._rows and item.avatar_id in self._tables.avatars)
        self._rows[item.id] = item
        if body is not None:
            self._tables.bodies[item.id] = body

    def body(self, item_id: str) -> bytes | None:
        return self._tables.bodies.get(item_id)

    def update(self, item: KnowledgeItem) -> None:
        if before := self._rows.get(item.id):
            self._rows[item.id] = replace(item, avatar_id=before.avatar_id, created_at=before.created_at)

    def replace_body(self, item_id: str, body: bytes) -> None:
        require(item_id in self._rows)
        self._tables.bodies[item_id] = body

    def delete(self, item_id: str) -> None:
        self._rows.pop(item_id, None)
        self._tables.bodies.pop(item_id, None)
        for passage in [row for row in self._tables.passages.values() if row.item_id == item_id]:
            del self._tables.passages[passage.id]

    def model(self, avatar_id: str) -> str | None:
        return self._tables.models.get(avatar_id)

    def without_model(self, model: str) -> list[str]:
        known = {item.avatar_id for item in self._rows.values() if item.generation > 0}
        return sorted(avatar_id for avatar_id in known if self._tables.models.get(avatar_id) != model)

    def use_model(self, avatar_id: str, model: str | None) -> None:
        self._tables.models.pop(avatar_id, None)
        if model is not None:
            require(avatar_id in self._tables.avatars)
            self._tables.models[avatar_id] = model

    def forget_models(self) -> None:
        self._tables.models.clear()


class MemoryPassages(Passages):
    def __init__(self, tables: Tables) -> None:
        self._tables, self._rows = tables, tables.passages

    def add(self, passages: Sequence[Passage], terms: Sequence[str]) -> None:
        for passage, words in zip(passages, terms, strict=True):
            place = (passage.item_id, passage.generation, passage.position)
            require(passage.id not in self._rows and passage.item_id in self._tables.knowledge)
            require(all((row.item_id, row.generation, row.position) != place for row in self._rows.values()))
            self._rows[passage.id], self._tables.terms[passage.id] = passage, words

    def of_generation(self, item_id: str, generation: int) -> list[Passage]:
        own = [row for row in self._rows.values() if (row.item_id, row.generation) == (item_id, generation)]
        return sorted(own, key=lambda row: row.position)

    def page(self, item_id: str, first: int, after: int) -> list[Passage]:
        item = self._tables.knowledge.get(item_id)
        live = self.of_generation(item_id, item.generation) if item else []
        return [row for row in live if row.position > after][:first]

    def live(self, passage_ids: Sequence[str]) -> list[Passage]:
        known = [self._rows[passage_id] for passage_id in passage_ids if passage_id in self._rows]
        return [row for row in known if self._is_live(row)]

    def live_ids(self, avatar_id: str) -> list[str]:
        return [row.id for row in self._rows.values() if row.avatar_id == avatar_id and self._is_live(row)]

    def around(self, passage_ids: Sequence[str], reach: int) -> list[tuple[Passage, list[Passage]]]:
        return [(hit, self._near(hit, reach)) for hit in self.live(passage_ids)]

    def languages(self, avatar_id: str) -> list[str]:
        return sorted({language for item in self._known(avatar_id) for language in item.languages})

    def matching(self, avatar_id: str, question: str, limit: int) -> list[Match]:
        spoken = questions_terms(question, self.languages(avatar_id))
        groups = [[hidden(avatar_id, term) for term in group] for group in spoken]
        own = [row for row in self._rows.values() if row.avatar_id == avatar_id and self._is_live(row)]
        texts = {row.id: self._tables.terms[row.id] for row in own}
        held = [set(text.split()) for text in texts.values()]
        asked = {term for group in groups for term in group}
        having = {term: [number for number, words in enumerate(held) if term in words] for term in asked}
        postings = {term: np.array(numbers) for term, numbers in having.items() if numbers}
        weighed = ranking.weights(groups, postings, sum(item.passage_count for item in self._known(avatar_id)))
        return [match for match in ranking.ranked(groups, weighed, texts, limit) if match.score > 0]

    def keep_only(self, item_id: str, generation: int) -> None:
        for row in [row for row in self._rows.values() if row.item_id == item_id and row.generation != generation]:
            del self._rows[row.id]

    def _known(self, avatar_id: str) -> list[KnowledgeItem]:
        items = self._tables.knowledge.values()
        return [item for item in items if item.avatar_id == avatar_id and item.generation > 0]

    def _near(self, hit: Passage, reach: int) -> list[Passage]:
        beside = self.of_generation(hit.item_id, hit.generation)
        return [row for row in beside if abs(row.position - hit.position) <= reach]

    def _is_live(self, passage: Passage) -> bool:
        item = self._tables.knowledge.get(passage.item_id)
        return item is not None and item.generation == passage.generation


def task(job: Job) -> tuple[object, ...]:
    return (job.kind, job.group, job.part, dict(job.payload))


def is_in_the_way(held: Job, job: Job) -> bool:
    return held.group == job.group and (held.part is None or job.part is None or held.part == job.part)


class MemoryJobs(Jobs):
    def __init__(self, tables: Tables) -> None:
        self._rows = tables.jobs

    def add(self, job: Job) -> None:
        for row in [row for row in self._rows.values() if not row.worker and task(row) == task(job)]:
            self._rows[row.id] = replace(row, lane=job.lane)
            return
        self._rows[job.id] = job

    def claim(self, lane: Lane, worker: str, now: datetime, leased_until: datetime) -> Job | None:
        held = [row for row in self._rows.values() if row.leased_until and row.leased_until > now]
        due = [row for row in self._rows.values() if row.lane is lane and row.run_after <= now]
        free = [row for row in due if not any(is_in_the_way(other, row) for other in held)]
        if not free:
            return None
        oldest = min(free, key=lambda row: (row.created_at, row.id))
        claimed = replace(oldest, worker=worker, leased_until=leased_until, attempts=oldest.attempts + 1)
        self._rows[oldest.id] = claimed
        return claimed

    def renew(self, job_id: str, worker: str, leased_until: datetime) -> bool:
        return self._change(job_id, worker, leased_until=leased_until)

    def retry(self, job_id: str, worker: str, run_after: datetime) -> None:
        self._change(job_id, worker, worker=None, leased_until=None, run_after=run_after)

    def finish(self, job_id: str, worker: str) -> None:
        if self._holds(job_id, worker):
            del self._rows[job_id]

    def is_empty(self) -> bool:
        return not self._rows

    def _change(self, job_id: str, by: str, /, **changes: object) -> bool:
        held = self._holds(job_id, by)
        if held:
            self._rows[job_id] = replace(self._rows[job_id], **changes)  # type: ignore[arg-type]
        return held

    def _holds(self, job_id: str, worker: str) -> bool:
        job = self._rows.get(job_id)
        return job is not None and job.worker == worker
