"""What a process does to calls: signals, forks, threads, imports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pyarrow as pa
import pytest

from deltaic import DeltaTable, write_deltalake


def run(script: str, *arguments: str) -> str:
    """What the script prints, in a process of its own."""
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_ctrl_c_ends_a_call(place: str) -> None:
    gate = threading.Event()

    def slow():
        yield pa.record_batch({"value": [1]})
        gate.wait(30)

    # A job of a shell's background ignores the signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        write_deltalake(place, slow())
    assert time.monotonic() - started < 1.5
    gate.set()


def test_other_threads_run_meanwhile(place: str) -> None:
    """The rows come from a thread that needs the interpreter while the main thread waits for them."""

    def rows():
        for value in range(5):
            time.sleep(0.01)
            yield pa.record_batch({"value": [value]})

    write_deltalake(place, rows())
    assert DeltaTable(place).count() == 5


FORK = """
import os, sys, warnings
warnings.simplefilter("ignore")
from deltaic import DeltaTable
from deltaic.exceptions import DeltaError
if sys.argv[2] == "used":
    DeltaTable(sys.argv[1])
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
try:
    print(DeltaTable(sys.argv[1]).count(), flush=True)
except DeltaError as error:
    print("spawn" in str(error), flush=True)
os._exit(0)
"""


@pytest.mark.parametrize(("used", "expect"), [("used", "True"), ("imported", "5")])
def test_a_fork_works_or_is_refused(years: DeltaTable, place: str, used: str, expect: str) -> None:
    assert run(FORK, place, used) == expect


def test_arrow_needs_neither_pyarrow_nor_pandas(years: DeltaTable, place: str) -> None:
    script = """
import sys
from deltaic import DeltaTable, write_deltalake
table = DeltaTable(sys.argv[1])
write_deltalake(sys.argv[1] + "-copy", table.scan())
table.scan().read_all(), table.schema().to_arrow(), table.history(), table.count()
print(sorted({"pyarrow", "pandas", "numpy", "polars"} & set(sys.modules)))
"""
    assert run(script, place) == "[]"


def test_install_as_deltalake(years: DeltaTable, place: str) -> None:
    script = """
import sys, deltaic
deltaic.install_as_deltalake()
import deltalake, deltalake.exceptions
from deltalake.table import DeltaTable
from deltalake.writer import write_deltalake
print(DeltaTable is deltaic.DeltaTable, deltalake.exceptions.DeltaError is deltaic.exceptions.DeltaError)
"""
    assert run(script) == "True True"
