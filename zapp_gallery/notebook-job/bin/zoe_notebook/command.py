"""Runs the notebook that the environment names; the exit code says whether every cell worked."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

import papermill
from papermill.exceptions import PapermillExecutionError

from zoe_notebook.job import EXAMPLE, Job, JobError, prepare

INTERRUPTED = 130  # as a shell says it
KERNEL = "python3"


def main() -> int:
    """Run the job; return 0 when all cells worked."""
    # papermill writes what the cells print to its log.
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    signal.signal(signal.SIGTERM, _interrupt)
    workspace = Path(os.environ["ZOE_WORKSPACE"])
    try:
        job = prepare(
            os.environ.get("ZOE_NOTEBOOK", EXAMPLE),
            os.environ.get("ZOE_NOTEBOOK_PARAMETERS", ""),
            workspace,
            os.environ["EXECUTION_ID"],
        )
    except JobError as error:
        print(error, file=sys.stderr)
        return 1
    code, why = _run(job)
    if job.result.exists():
        print(f"The executed notebook is {job.result.relative_to(workspace.resolve())}", flush=True)
    if why:  # last, and on the same stream, as Zoe shows the last line as the reason
        print(why, flush=True)
    return code


def _run(job: Job) -> tuple[int, str]:
    """Execute the notebook; return the exit code, and why it is not 0."""
    try:
        papermill.execute_notebook(
            job.source,
            job.result,
            parameters=job.parameters,
            kernel_name=KERNEL,
            language="python",
            cwd=job.source.parent,
            progress_bar=False,
            log_output=True,
            autosave_cell_every=2,
            # What the kernel's program says of itself is nothing that the person could see to.
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
        )
    except PapermillExecutionError as error:
        return 1, describe(error)
    except KeyboardInterrupt:
        return INTERRUPTED, "The notebook was stopped."
    return 0, ""


def describe(error: PapermillExecutionError) -> str:
    """Say which cell failed and why; cells are counted from 1, as people do."""
    return (
        f"Cell {error.cell_index + 1} failed (In [{error.exec_count}]): "
        f"{error.ename}: {error.evalue}"
    )


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """An end that papermill saves its work for."""
    raise KeyboardInterrupt
