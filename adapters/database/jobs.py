"""Jobs with leases in SQL."""

from dataclasses import fields, replace
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from adapters.database.statements import Driver, Statement, insertion
from adapters.database.tables import JOBS
from domain.jobs import Job
from domain.tables import Jobs

FIELDS = tuple(field.name for field in fields(Job))
COLUMNS = tuple(JOBS.c[name] for name in FIELDS)
CLAIMING = 4_741_021_872
"""Of the advisory lock: claims happen one after the other, so that each sees which avatars are taken."""

OTHER = JOBS.alias("other")
NOW = bindparam("now", type_=JOBS.c.run_after.type)
IS_FREE = or_(JOBS.c.worker.is_(None), JOBS.c.leased_until <= NOW)
AVATAR_IS_TAKEN = (
    select(OTHER.c.id)
    .where(
        OTHER.c.avatar_id == JOBS.c.avatar_id,
        OTHER.c.id != JOBS.c.id,
        OTHER.c.worker.is_not(None),
        OTHER.c.leased_until > NOW,
    )
    .exists()
)
NEXT = Statement(
    select(*COLUMNS)
    .where(JOBS.c.run_after <= NOW, IS_FREE, ~AVATAR_IS_TAKEN)
    .order_by(JOBS.c.created_at, JOBS.c.id)
    .limit(1)
)
ALONE = Statement(select(func.pg_advisory_xact_lock(CLAIMING)))
LEASE = Statement(
    update(JOBS)
    .where(JOBS.c.id == bindparam("job_id"))
    .values(worker=bindparam("by"), leased_until=bindparam("until"), attempts=JOBS.c.attempts + 1)
)
HELD = and_(JOBS.c.id == bindparam("job_id"), JOBS.c.worker == bindparam("by"))
IS_HELD = Statement(select(JOBS.c.id).where(HELD))
RENEW = Statement(update(JOBS).where(HELD).values(leased_until=bindparam("until")))
RETRY = Statement(update(JOBS).where(HELD).values(worker=None, leased_until=None, run_after=bindparam("at")))
FINISH = Statement(delete(JOBS).where(HELD))
ADD = insertion(JOBS)
SAME_ITEM = JOBS.c.item_id == bindparam("item_id")
WAITING = select(JOBS.c.id).where(
    JOBS.c.kind == bindparam("kind", type_=JOBS.c.kind.type),
    JOBS.c.avatar_id == bindparam("avatar_id"),
    JOBS.c.worker.is_(None),
)
WAITING_FOR_ITEM = Statement(WAITING.where(SAME_ITEM))
WAITING_FOR_AVATAR = Statement(WAITING.where(JOBS.c.item_id.is_(None)))
ANY = Statement(select(JOBS.c.id).limit(1))


class SqlJobs(Jobs):
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def add(self, job: Job) -> None:
        waiting = WAITING_FOR_AVATAR if job.item_id is None else WAITING_FOR_ITEM
        if not waiting.row(self._driver, kind=job.kind, avatar_id=job.avatar_id, item_id=job.item_id):
            ADD.run(self._driver, **{name: getattr(job, name) for name in FIELDS})

    def claim(self, worker: str, now: datetime, leased_until: datetime) -> Job | None:
        if self._driver.dialect.name == "postgresql":
            ALONE.rows(self._driver)
        row = NEXT.row(self._driver, now=now)
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
