"""One symbolic helper for all grading tests: starting it costs most of a second."""

from collections.abc import Iterator

import pytest

from tutor.grading.symbolic import SymbolicHelper


@pytest.fixture(scope="session")
def symbolic() -> Iterator[SymbolicHelper]:
    helper = SymbolicHelper(timeout_s=5)
    yield helper
    helper.close()
