"""A Spark process that does what it is told, a line of JSON at a time, and answers with a line that begins with `ANSWER `.

{"do": "read", "table": PATH}                            what Spark reads there, as the expected.json of a fixture
{"do": "checksum", "table": PATH}                        whether the newest version has a checksum, and whether it is right
{"do": "history", "table": PATH}                         [[version, operation], ...], oldest first
{"do": "sql", "table": PATH, "statements": [...]}        runs statements, `{t}` being the table
{"do": "append", "table": PATH, "name": W, "appends": N} appends rows (`writer`, `n`) one at a time: how many were committed

Run by the Python of `fixtures/generate/setup.sh`, with DELTAIC_SPARK_JARS naming its jars folder.
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fixtures" / "generate"))

import harness  # noqa: E402
import session  # noqa: E402


def told():
    "Another engine wrote the table."


def do(spark, command):
    table = harness.Table(spark, Path(command["table"]))
    match command["do"]:
        case "read":
            return harness.expected(table, harness.Case("told", told))
        case "checksum":
            snapshot = table.delta_log().unsafeVolatileSnapshot()
            context = getattr(snapshot, "validateChecksum$default$1")()
            return [snapshot.checksumOpt().isDefined(), snapshot.validateChecksum(context)]
        case "history":
            rows = table.sql("DESCRIBE HISTORY {t}").select("version", "operation").collect()
            return sorted([row.version, row.operation] for row in rows)
        case "sql":
            table.sql(*command["statements"])
            return None
        case "append":
            for n in range(command["appends"]):
                table.sql(f"INSERT INTO {{t}} VALUES ('{command['name']}', {n})")
            return command["appends"]


def main():
    with tempfile.TemporaryDirectory() as scratch:
        spark = session.start(Path(scratch))
        print("ANSWER null", flush=True)
        for line in sys.stdin:
            try:
                answer = do(spark, json.loads(line))
            except harness.REFUSALS as error:
                answer = {"refused": str(error).split("\n\tat ")[0]}
            print("ANSWER " + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
