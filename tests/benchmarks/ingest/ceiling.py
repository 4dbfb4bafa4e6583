"""The worker without a broker, against what the server takes at most from anybody.

The worker is fed by the stub. The ceiling is one connection that sends the same rows, as bytes made beforehand, by
binary COPY straight into the same table, 10,000 a commit: nothing is received, decoded, checked, counted or answered.
"""

import time
from contextlib import closing

import psycopg

from tests.benchmarks.ingest.loads import DEVICES, SOURCE, START, STEP, Load
from tests.benchmarks.ingest.programs import cpu_s, memory_mb, python
from tests.benchmarks.ingest.race import RUN_MAX_S, Run, check_rows, plain, poniente
from tests.benchmarks.ingest.rig import WINDOW, Rig

_BATCH = 10_000
_VERSION = 5
# Eleven bytes of signature, flags, length of the extension; at the end a tuple of -1 columns.
_HEADER_BYTES, _TRAILER = 19, b"\xff\xff"
# All columns of the table, as the worker leaves them: same values, same emptiness.
_ROWS = """
create temporary table said as select * from fill_level with no data;
insert into said (device_id, event_time, sequence, event_time_source, device_time, received_time, clock,
                  distance_mm, battery_mv, temperature_mdegc, tilt_deg, digest, batch_seq)
select d.device_id, %(start)s::timestamptz + step * %(step)s::interval, step + 1, 1,
       %(start)s::timestamptz + step * %(step)s::interval, now(), 0,
       300 + (step + 1) * 7 %% 1000, 3580, 19500, 3, md5(place::text)::uuid, 1 + place / %(batch)s
from generate_series(0, %(count)s - 1) place,
     lateral (select place / %(devices)s as step, place %% %(devices)s as device) as told
join device d on d.source = %(source)s and d.device = 'bin-' || told.device
"""


def stub(rig: Rig, load: Load) -> Run:
    """Feed the worker from the stub; the clock runs from the first packet to the last acknowledgement."""
    with rig.database() as dsn:
        rig.settle()
        options = {"load": plain(load), "version": _VERSION, "window": WINDOW, "limit_s": RUN_MAX_S}
        with python("stub", rig.folder / "stub.log", options) as server:
            port = int(server.hear(RUN_MAX_S)["port"])
            with poniente(dsn, port, rig.folder / "stub-worker") as worker:
                _ = server.hear(RUN_MAX_S)
                pids = {"subscriber": worker.pid, "broker": server.pid, "database": rig.database_pid}
                before = {name: cpu_s([pid]) for name, pid in pids.items()}
                server.go()
                said = server.hear(RUN_MAX_S)
                used = {name: cpu_s([pid]) - before[name] for name, pid in pids.items()}
                peak_mb = memory_mb(worker.pid)[1]
        # The last acknowledgement came after its commit, so everything must be there now.
        return Run(int(said["sent"]), check_rows(dsn, load), float(said["took_s"]), used, peak_mb)


def copy(rig: Rig, load: Load) -> Run:
    """Copy the rows of a load, without those sent again."""
    with rig.database() as dsn, closing(psycopg.connect(dsn, autocommit=True)) as connection:
        batches = _batches(connection, load)
        rig.settle()
        before_s = cpu_s([rig.database_pid])
        began_s = time.monotonic()
        for batch in batches:
            with connection.cursor() as cursor, cursor.copy("copy fill_level from stdin (format binary)") as out:
                out.write(batch)
        took_s = time.monotonic() - began_s
        used = {"database": cpu_s([rig.database_pid]) - before_s}
        return Run(load.rows, check_rows(dsn, load), took_s, used)


def _batches(connection: psycopg.Connection, load: Load) -> list[bytes]:
    """Have the server write the rows in its own format, cut into batches."""
    made = {"start": START, "step": STEP, "count": load.count, "devices": DEVICES, "source": SOURCE, "batch": _BATCH}
    create, insert = _ROWS.strip().split(";")
    _ = connection.execute(create)
    _ = connection.execute(insert, made)
    with connection.cursor() as cursor:
        question = "copy (select * from said order by event_time, device_id) to stdout (format binary)"
        with cursor.copy(question) as come:
            stream = b"".join(bytes(piece) for piece in come)
    _ = connection.execute("drop table said")
    header, body = stream[:_HEADER_BYTES], stream[_HEADER_BYTES : -len(_TRAILER)]
    size, rest = divmod(len(body), load.rows)
    # The same columns are empty in all of them.
    assert rest == 0, "rows differ in length"
    step = size * _BATCH
    return [header + body[place : place + step] + _TRAILER for place in range(0, len(body), step)]
