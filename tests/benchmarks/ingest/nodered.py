"""Node-RED as people set it up for this: an MQTT node, a function node, the `pg` package.

It is installed once into the folder of the local servers. Its MQTT node acknowledges a message on receipt, before
anything is written: a crash loses what was on its way, which neither the worker nor the peers do. There is no setting
for another order.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from app.local.account import state_folder
from tests.benchmarks.ingest.programs import Program

# The newest that runs, by the least version of Node.js that each asks for.
_VERSIONS = (((22, 9), "5.0.7"), ((18, 5), "4.1.15"))
PG_VERSION = "8.23.1"
_INSTALL_MAX_S = 600
_COLUMNS = (
    "device_id, event_time, sequence, event_time_source, device_time, received_time, clock,"
    " distance_mm, battery_mv, temperature_mdegc, tilt_deg, digest, batch_seq"
)
_ZERO = "'00000000-0000-0000-0000-000000000000'"
_SETUP = """
const {{ Pool }} = global.get('pg');
const pool = new Pool({{ host: '127.0.0.1', port: {port}, user: 'postgres', database: '{database}', max: 10 }});
const ids = {{}};
const found = await pool.query("select device, device_id from device where source = 'city'");
for (const row of found.rows) ids[row.device] = row.device_id;
context.set('pool', pool);
context.set('ids', ids);
"""
_ROW = """
const d = msg.payload;
const row = [context.get('ids')[msg.topic.split('/')[3]], d.time, d.sequence, d.distance_mm,
             Math.round(d.battery_v * 1000), Math.round(d.temperature_degc * 1000), d.tilt_deg];
"""
# Named, so that the server plans it once a connection.
_ONE = f"""{_ROW}
await context.get('pool').query({{ name: 'one', text: `insert into fill_level ({_COLUMNS})
  values ($1, $2, $3, 1, $2, now(), 0, $4, $5, $6, $7, {_ZERO}, 0) on conflict do nothing`, values: row }});
return null;
"""  # noqa: S608  # columns of ours, values bound
_FLUSH_SETUP = f"""
const rows = [];
const flush = () => {{
  if (!rows.length) return;
  const taken = rows.splice(0, 1000);
  const columns = [0, 1, 2, 3, 4, 5, 6].map((place) => taken.map((row) => row[place]));
  pool.query({{ name: 'many', text: `insert into fill_level ({_COLUMNS})
    select d, t, s, 1, t, now(), 0, a, b, c, e, {_ZERO}, 0
    from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::int[], $5::int[], $6::int[], $7::int[])
      as said (d, t, s, a, b, c, e) on conflict do nothing`, values: columns }}).catch((error) => node.error(error));
}};
context.set('rows', rows);
context.set('flush', flush);
context.set('timer', setInterval(flush, 100));
"""  # noqa: S608  # the same
_MANY = f"""{_ROW}
const rows = context.get('rows');
rows.push(row);
if (rows.length >= 1000) context.get('flush')();
return null;
"""
_SETTINGS = """module.exports = {{
  flowFile: 'flows.json', userDir: {folder}, credentialSecret: false, uiHost: '127.0.0.1',
  httpAdminRoot: false, httpNodeRoot: false, telemetry: {{ enabled: false, updateNotification: false }},
  diagnostics: {{ enabled: false, ui: false }}, externalModules: {{ autoInstall: false }},
  logging: {{ console: {{ level: 'info', metrics: false, audit: false }} }},
  functionExternalModules: false, functionGlobalContext: {{ pg: require({pg}) }},
}};
"""


def node_version() -> tuple[int, ...]:
    """Give the version of Node.js on this machine, empty when there is none."""
    done = subprocess.run(["/usr/bin/env", "node", "--version"], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        return ()
    return tuple(int(part) for part in done.stdout.strip().removeprefix("v").split("."))


def version() -> str:
    """Give the version of Node-RED that runs on this Node.js, empty when none does."""
    found = node_version()
    return next((name for least, name in _VERSIONS if found >= least), "")


def install() -> Path:
    """Give the folder of its packages, installing them when they are not there yet."""
    folder = state_folder() / f"node-red-{version()}"
    mark = folder / ".complete"
    if not mark.exists():
        folder.mkdir(exist_ok=True)
        _ = (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        options = ["--no-audit", "--no-fund", "--no-update-notifier", "--omit=dev", "--save-exact"]
        _ = subprocess.run(
            ["/usr/bin/env", "npm", "install", *options, f"node-red@{version()}", f"pg@{PG_VERSION}"],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=_INSTALL_MAX_S,
        )
        mark.touch()
    return folder


def start(folder: Path, ports: tuple[int, int], database: str, *, is_batched: bool) -> Program:
    """Start it with a flow from broker to database.

    Parameters
    ----------
    folder : Path
        Fresh; flow, settings and log go there.
    ports : tuple of int
        Of broker and database.
    database : str
    is_batched : bool
        One query a thousand messages, or one a message.
    """
    packages = install() / "node_modules"
    folder.mkdir()
    flow = _flow(ports, database, is_batched=is_batched)
    _ = (folder / "flows.json").write_text(json.dumps(flow, indent=1), encoding="utf-8")
    settings = _SETTINGS.format(folder=json.dumps(str(folder)), pg=json.dumps(str(packages / "pg")))
    _ = (folder / "settings.js").write_text(settings, encoding="utf-8")
    program = ["/usr/bin/env", "node", str(packages / "node-red" / "red.js")]
    return Program([*program, "--settings", str(folder / "settings.js")], log=folder / "node-red.log")


def _flow(ports: tuple[int, int], database: str, *, is_batched: bool) -> list[dict[str, Any]]:
    broker_port, database_port = ports
    setup = _SETUP.format(port=database_port, database=database) + (_FLUSH_SETUP if is_batched else "")
    leave = "clearInterval(context.get('timer'));" if is_batched else ""
    broker = {"id": "broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": str(broker_port)}
    broker |= {"clientid": "bench-node-red", "protocolVersion": "4", "cleansession": False, "keepalive": "60"}
    come: dict[str, Any] = {"id": "in", "type": "mqtt in", "z": "tab", "topic": "poniente/v1/+/+/+", "qos": "1"}
    come |= {"datatype": "json", "broker": "broker", "inputs": 0, "wires": [["write"]]}
    write: dict[str, Any] = {"id": "write", "type": "function", "z": "tab", "func": _MANY if is_batched else _ONE}
    write |= {"outputs": 0, "timeout": 0, "initialize": setup, "finalize": leave, "libs": [], "wires": []}
    return [{"id": "tab", "type": "tab", "label": "ingest", "disabled": False}, broker, come, write]
