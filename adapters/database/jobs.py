"""Jobs with leases in SQL."""

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, and_, bindparam, delete, func, or_, select, update

from adapters.database.statements import Driver, Statement, insertion
from adapters.database.tables import JOBS
from domain.jobs import Job, Lane
from domain.tables import Jobs

FIELDS = tuple(field.name for field in fields(Job))
GROUP = "group_id"
"""Plain `group` is a word of SQL's."""


def column(field: str) -> Column[Any]:
    return JOBS.c[GROUP if field == "group" else field]


COLUMNS = tuple(map(column, FIELDS))
CLAIMING = 4_741_021_872
"""Of the advisory lock: claims happen one after the other, so that each sees which groups are taken."""
CLOCKS_DIFFER_BY_LEASES = 2
"""A lease that ends later than so many from now was made by a clock that was wrong, and holds nothing."""

OTHER = JOBS.alias("other")
NOW = bindparam("now", type_=JOBS.c.run_after.type)
BELIEVED = bindparam("believed", type_=JOBS.c.leased_until.type)
IS_FREE = or_(JOBS.c.worker.is_(None), JOBS.c.leased_until <= NOW, JOBS.c.leased_until > BELIEVED)
IN_THE_WAY = or_(OTHER.c.part.is_(None), JOBS.c.part.is_(None), OTHER.c.part == JOBS.c.part)
GROUP_IS_TAKEN = (
    select(OTHER.c.id)
    .where(
        OTHER.c.group_id == JOBS.c.group_id,
        OTHER.c.id != JOBS.c.id,
        OTHER.c.worker.is_not(None),
        OTHER.c.leased_until > NOW,
        OTHER.c.leased_until <= BELIEVED,
        IN_THE_WAY,
    )
    .exists()
)
NEXT = Statement(
    select(*COLUMNS)
    .where(JOBS.c.lane == bindparam("lane", type_=JOBS.c.lane.type), JOBS.c.run_after <= NOW, IS_FREE, ~GROUP_IS_TAKEN)
    .order_by(JOBS.c.created_at, JOBS.c.id)
    .limit(1)
)
ALONE = Statement(select(func.pg_advisory_xact_lock(CLAIMING)))
ONE = JOBS.c.id == bindparam("job_id")
LEASE = Statement(
    update(JOBS)
    .where(ONE)
    .values(worker=bindparam("by"), leased_until=bindparam("until"), attempts=JOBS.c.attempts + 1)
)
HELD = and_(ONE, JOBS.c.worker == bindparam("by"))
IS_HELD = Statement(select(JOBS.c.id).where(HELD))
RENEW = Statement(update(JOBS).where(HELD).values(leased_until=bindparam("until")))
RETRY = Statement(update(JOBS).where(HELD).values(worker=None, leased_until=None, run_after=bindparam("at")))
FINISH = Statement(delete(JOBS).where(HELD))
ADD = insertion(JOBS)
SAME_PART = JOBS.c.part == bindparam("part")
WAITING = select(JOBS.c.id).where(
    JOBS.c.kind == bindparam("kind", type_=JOBS.c.kind.type),
    JOBS.c.group_id == bindparam(GROUP),
    JOBS.c.payload == bindparam("payload", type_=JOBS.c.payload.type),
    JOBS.c.worker.is_(None),
)
WAITING_FOR_PART = Statement(WAITING.where(SAME_PART))
WAITING_FOR_GROUP = Statement(WAITING.where(JOBS.c.part.is_(None)))
MOVE = Statement(update(JOBS).where(ONE).values(lane=bindparam("to", type_=JOBS.c.lane.type)))
ANY = Statement(select(JOBS.c.id).limit(1))


class SqlJobs(Jobs):
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def add(self, job: Job) -> None:
        values = {column(name).name: getattr(job, name) for name in FIELDS}
        waiting = WAITING_FOR_GROUP if job.part is None else WAITING_FOR_PART
        asked = {bind: values[bind] for bind in ("kind", GROUP, "part", "payload")}
        if row := waiting.row(self._driver, **asked):
            MOVE.run(self._driver, job_id=row[0], to=job.lane)
        else:
            ADD.run(self._driver, **values)

    def claim(self, lane: Lane, worker: str, now: datetime, leased_until: datetime) -> Job | None:
        if self._driver.dialect.name == "postgresql":
            ALONE.rows(self._driver)
        believed = now + CLOCKS_DIFFER_BY_LEASES * (leased_until - now)
        row = NEXT.row(self._driver, lane=lane, now=now, believed=believed)
        if row is None:
            return None
        LEASE.run(self._driver, job_id=row[0], by=worker, until=leased_until)
        job = Job(*row)
        return replace(job, attempts=job.attempts + 1, worker=worker, leased_until=leased_until)

    def renew(self, job_id: str, worker: str, leased_until: datetime) -> bool:
        RENEW.run(self._driver, job_id=job_id, by=worker, until=leased_until)
        return IS_HELD.row(self._driver, job_id=job_id, by=worker) is not None

    def retry(self, job_id: str, worker: str, run_after: datetime) -> None:
        RETRY.run(self._driver, job_id=job_id, by=worker, at=run_after)

    def finish(self, job_id: str, worker: str) -> None:
        FINISH.run(self._driver, job_id=job_id, by=worker)

    def is_empty(self) -> bool:
        return ANY.row(self._driver) is None
