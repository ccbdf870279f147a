"""Reads the workload that the options of ``zoe-admin simulate`` name."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import ValidationError

import zoe_client
from zoe_client.cli.admin.asking import EVERYBODY, BadOption
from zoe_client.cli.admin.simulate import Options
from zoe_core.amount import Amount
from zoe_core.cluster import FINAL
from zoe_core.documents import JsonProblemError, read_json
from zoe_core.protocol.rest import Execution
from zoe_core.simulation import (
    Job,
    SwfError,
    from_history,
    generate,
    make_elastic,
    read_swf,
)

_GZIP = b"\x1f\x8b"
"""How a file of gzip begins (RFC 1952)."""

_ENDED = tuple(sorted(each.value for each in FINAL))


@dataclass(frozen=True, slots=True)
class Workload:
    """Jobs, where they are from, and how much of that was left out, by reason."""

    source: str
    jobs: Sequence[Job]
    skipped: Mapping[str, int] = field(default_factory=dict)


def read_workload(options: Options, node: Amount, rng: np.random.Generator) -> Workload:
    """The workload of ``options``; what is drawn is drawn by ``rng``. Raises BadOption."""
    if options.swf is None and options.elastic_share:
        raise BadOption(
            f"--elastic-share: is {options.elastic_share:g}: may be given with --swf only"
        )
    if options.swf is not None:
        return _of_trace(options.swf, options.elastic_share, rng)
    if options.history is not None:
        return _of_history(options.history)
    jobs = generate(options.generate or 0, 1.0, options.nodes, node, rng)
    return Workload("generated", jobs)


def _of_trace(name: str, elastic_share: float, rng: np.random.Generator) -> Workload:
    try:
        trace = read_swf(_lines("--swf", name))
    except SwfError as error:
        raise BadOption(f"--swf: {name}, {error}") from None
    jobs = make_elastic(trace.jobs, elastic_share, rng)
    return _not_empty("--swf", Workload(name, jobs, trace.skipped))


def _of_history(name: str) -> Workload:
    history = from_history(_executions(name))
    return _not_empty("--history", Workload(name, history.jobs, history.skipped))


def _not_empty(option: str, workload: Workload) -> Workload:
    if workload.jobs:
        return workload
    raise BadOption(
        f"{option}: {workload.source} has no job that ran "
        f"({sum(workload.skipped.values())} were left out): must have one at least"
    )


def _executions(name: str) -> Iterator[Execution]:
    if name.startswith(("http://", "https://")):
        return _asked_of(name)
    return _written_in(name)


def _asked_of(url: str) -> Iterator[Execution]:
    """All that have ended, of everybody."""
    try:
        with zoe_client.Client(url) as zoe:
            for each in zoe.executions(status=_ENDED, user=EVERYBODY):
                yield each.document
    except zoe_client.ZoeError as error:
        said = str(error).partition("\n")[0]
        raise BadOption(f"--history: is {url!r}: {said}") from None


def _written_in(name: str) -> Iterator[Execution]:
    for number, line in enumerate(_lines("--history", name), start=1):
        if not line.strip():
            continue
        try:
            yield Execution.model_validate(read_json(line))
        except (JsonProblemError, ValidationError) as error:
            raise BadOption(f"--history: {name}, line {number}: {_what_is_wrong(error)}") from None


def _what_is_wrong(error: JsonProblemError | ValidationError) -> str:
    if isinstance(error, JsonProblemError):
        return str(error)
    first = error.errors()[0]
    field = ".".join(str(each) for each in first["loc"])
    return f"{field or 'the line'}: {first['msg']}; must be an execution as REST gives it"


def _lines(option: str, name: str) -> Iterable[str]:
    """The lines of a file, or of standard input for ``-``."""
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise BadOption(f"{option}: is {name!r}: cannot be read: {error.strerror}") from None
    return _unpacked(option, name, raw).decode("utf-8", "replace").splitlines()


def _unpacked(option: str, name: str, raw: bytes) -> bytes:
    """Archives of traces hold them compressed."""
    if not raw.startswith(_GZIP):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise BadOption(
            f"{option}: is {name!r}: cannot be unpacked: {error}; must be a whole file of "
            "gzip, or of text"
        ) from None
