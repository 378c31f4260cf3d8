"""Another engine at a table of rows (`writer`, `n`): the deltalake package.

deltalake_rows.py append TABLE NAME APPENDS   appends rows one at a time, and reports each as `committed VERSION - NAME N`
deltalake_rows.py read TABLE                  prints {"version": ..., "rows": [[writer, n], ...]}

TABLE is JSON: {"location": ..., "options": {...}}.
"""

import json
import os
import sys

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake

SCHEMA = pa.schema([("writer", pa.string()), ("n", pa.int64())])
# Its default gives up after 15 versions that others won.
PATIENT = CommitProperties(max_commit_retries=10_000)


def append(table, name, appends):
    for n in range(appends):
        row = pa.table({"writer": [name], "n": [n]}, schema=SCHEMA)
        write_deltalake(
            table["location"], row, mode="append", storage_options=table["options"], commit_properties=PATIENT
        )
        # It does not tell which version it made.
        print(f"committed 0 - {name} {n}", flush=True)


def read(table):
    opened = DeltaTable(table["location"], storage_options=table["options"])
    rows = opened.to_pyarrow_table()
    pairs = sorted(zip(rows["writer"].to_pylist(), rows["n"].to_pylist()))
    print(json.dumps({"version": opened.version(), "rows": pairs}))


if __name__ == "__main__":
    table = json.loads(sys.argv[2])
    if sys.argv[1] == "append":
        append(table, sys.argv[3], int(sys.argv[4]))
    else:
        read(table)
    # The threads of two native libraries do not always survive the interpreter's own end ("terminate called without an active
    # exception" was seen), and by then all is said.
    sys.stdout.flush()
    os._exit(0)
