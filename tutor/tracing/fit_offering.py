"""A fit that was asked for is passed on to the workers that have what fitting needs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tutor.common.outbox import handler
from tutor.tracing.fits import FIT_TOPIC
from tutor.tracing.tasks import fit_run_task


@handler(FIT_TOPIC)
def _fit_handler(payload: Mapping[str, Any], *, now: datetime) -> None:  # noqa: ARG001
    fit_run_task.apply_async((payload["fit_id"],), queue="fit", retry=False)
