"""SymPy at arm's length: questions about expressions, answered in a limited child process.

Cheap and certain ways come first: equal trees, exact constants, polynomials, then values at
points, where one difference is proof. SymPy is asked about what is left, and when it runs out
of time the values decide, or nobody does.
"""

import atexit
import contextlib
import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

from tutor.grading.exact import UndefinedError, constant_value, ratio_of, ratios_equal
from tutor.grading.numeric import holds_huge_constant, numerically_equivalent
from tutor.grading.specs import Verdict
from tutor.grading.symbolic_wire import wire_from
from tutor.grading.syntax import Node, names_of

logger = logging.getLogger(__name__)

TIMEOUT_S = 2.0
START_TIMEOUT_S = 30.0
MAX_LINE_BYTES = 200_000
_ROOT = Path(__file__).resolve().parents[2]
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
_VERDICTS = {"same": Verdict.SAME, "different": Verdict.DIFFERENT}


class SymbolicHelper:
    """Compares expressions, with SymPy in one helper process behind a time limit.

    Owns one helper process, started on first need and again when it dies. Safe to share among
    threads; a process that was forked off starts a helper of its own.
    """

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self.timeout_s = timeout_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self._asked = 0
        self._rest = b""

    def equivalent(self, left: Node, right: Node) -> Verdict:
        """Whether both are equal wherever both are real. Never raises."""
        try:
            verdict = exactly_equivalent(left, right)
        except UndefinedError:
            return Verdict.UNDECIDED
        if verdict is not Verdict.UNDECIDED:
            return verdict
        by_values = numerically_equivalent(left, right)
        if by_values is Verdict.DIFFERENT:
            return by_values
        if holds_huge_constant(left) or holds_huge_constant(right):
            return by_values
        asked = self._ask("equivalent", left, right)
        if asked is Verdict.DIFFERENT and names_of(left) | names_of(right):
            # SymPy looks at every real number, also where a side is not real: ln(x^2) and 2ln(x).
            return by_values if by_values is Verdict.SAME else asked
        return by_values if asked is Verdict.UNDECIDED else asked

    def factored(self, node: Node) -> Verdict:
        """SAME when the expression, as written, is a product that splits no further."""
        return self._ask("factored", node)

    def warm(self) -> bool:
        """Start the helper now; say whether it runs."""
        with self._lock:
            return self._running(time.monotonic() + START_TIMEOUT_S) is not None

    def close(self) -> None:
        """Stop the helper; the next question starts another."""
        with self._lock:
            self._stop()

    def _ask(self, question: str, *trees: Node) -> Verdict:
        # One question at a time: whoever waits longer than a question may take gives up.
        if not self._lock.acquire(timeout=self.timeout_s):
            return Verdict.UNDECIDED
        try:
            process = self._running(time.monotonic() + START_TIMEOUT_S)
            if process is None:
                return Verdict.UNDECIDED
            self._asked += 1
            sent = {
                "id": self._asked,
                "question": question,
                "trees": [wire_from(tree) for tree in trees],
                "seconds": self.timeout_s,
            }
            reply = self._exchanged(process, json.dumps(sent))
            if reply is None or reply.get("id") != self._asked:
                self._stop()
                return Verdict.UNDECIDED
            return _VERDICTS.get(str(reply.get("answer")), Verdict.UNDECIDED)
        finally:
            self._lock.release()

    def _running(self, deadline: float) -> "subprocess.Popen[bytes] | None":
        if self._process is not None and self._owner != os.getpid():
            # Inherited by a fork: it is the other process's to use and to stop.
            self._process = None
        if self._process is not None and self._process.poll() is not None:
            self._stop()
        if self._process is None:
            self._process, self._owner, self._rest = _started(), os.getpid(), b""
            greeting = self._line(self._process, deadline)
            if greeting is None or "ready" not in greeting:
                self._stop()
                logger.warning("the symbolic helper did not start; values decide instead")
        return self._process

    def _exchanged(self, process: "subprocess.Popen[bytes]", line: str) -> dict[str, object] | None:
        if process.stdin is None or len(line) > MAX_LINE_BYTES:
            return None
        try:
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
        except OSError:
            return None
        return self._line(process, time.monotonic() + self.timeout_s + 1)

    def _line(
        self, process: "subprocess.Popen[bytes]", deadline: float
    ) -> dict[str, object] | None:
        if process.stdout is None:
            return None
        handle = process.stdout.fileno()
        while b"\n" not in self._rest:
            wait_s = deadline - time.monotonic()
            if wait_s <= 0 or not select.select([handle], [], [], wait_s)[0]:
                return None
            part = os.read(handle, 65_536)
            if not part:
                return None
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            found = json.loads(line)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def exactly_equivalent(left: Node, right: Node) -> Verdict:
    """Decide by the trees, by exact values and by polynomials, without SymPy.

    Raises: UndefinedError when a side divides by zero.
    """
    one, other = constant_value(left), constant_value(right)
    if one is not None and other is not None:
        return Verdict.SAME if one == other else Verdict.DIFFERENT
    if left == right:
        return Verdict.SAME
    first, second = ratio_of(left), ratio_of(right)
    if first is None or second is None:
        return Verdict.UNDECIDED
    decided = ratios_equal(first, second)
    if decided is None:
        return Verdict.UNDECIDED
    return Verdict.SAME if decided else Verdict.DIFFERENT


def _started() -> "subprocess.Popen[bytes]":
    # The helper works on what strangers typed: it is given none of the site's secrets.
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"PYTHONPATH": str(_ROOT), "PYTHONHASHSEED": "0"}
    return subprocess.Popen(
        [sys.executable, "-m", "tutor.grading.symbolic_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


_shared = SymbolicHelper()
atexit.register(_shared.close)


def symbolic_shared() -> SymbolicHelper:
    """The helper of this process; its child starts on first need."""
    return _shared
