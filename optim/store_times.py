"""What a project's reference usually takes, from the sessions of all runs that were timed against it."""

from __future__ import annotations

from sqlalchemy import Connection, select

from . import store_tables as t
from .results import Facts, Measurement
from .validity import Session, usual

SESSIONS = 100
"""The newest ones are looked at; a machine that is in use has its last few clean ones among them."""


def reference_times(connection: Connection, project_id: int, reference_sha256: str) -> dict[str, float]:
    """What the reference, the file of this hash, usually takes, in ms, by fingerprint.

    Every session times the reference, so every measurement of the project tells. One that was taken before facts were
    kept tells only of its own file: it counts where that is the reference.
    """
    query = select(t.measurement.c.record).join(t.run, t.run.c.id == t.measurement.c.run_id)
    newest = query.where(t.run.c.project_id == project_id).order_by(t.measurement.c.id.desc()).limit(SESSIONS)
    sessions: dict[str, list[Session]] = {}
    for record in connection.scalars(newest):
        made = Measurement.from_json(record)
        facts = _facts(made)
        if facts is not None and made.reference_sha256 == reference_sha256:
            sessions.setdefault(made.fingerprint.id, []).append((made.made_at, facts))
    found = {mark: usual(many) for mark, many in sessions.items()}
    return {mark: time_ms for mark, time_ms in found.items() if time_ms is not None}


def _facts(made: Measurement) -> Facts | None:
    latency = made.latency
    if latency.facts is not None or not latency.valid or made.file_sha256 != made.reference_sha256:
        return latency.facts
    return Facts(
        seconds=0.0, cores=made.fingerprint.cores, drift=0.0, reference_p50_ms=latency.p50_ms, mean_over_p50=1.0,
        half_width=0.0,
    )  # fmt: skip
