"""What ran is what the database says that ran: each attempt once, no program twice to success."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.faults.chaos.customers import Order
from tests.faults.chaos.evidence import Evidence
from tests.faults.chaos.ground import Runs
from tests.faults.chaos.programs import KINDS


def check_back_end(evidence: Evidence, orders: list[Order], runs: Runs) -> Iterator[str]:
    """Compare the back-end's own count with the rows of the instances."""
    yield from _each_attempt_once(evidence, runs)
    yield from _success_once(evidence, runs)
    yield from _attempts_within_limits(evidence, orders, runs)


def _each_attempt_once(evidence: Evidence, runs: Runs) -> Iterator[str]:
    known = {
        f"{row.execution_id}/{row.service}-{row._mapping['index']}#{row.attempt}"
        for row in evidence.instances
    }
    for attempt, count in runs.begun.items():
        if count > 1:
            yield f"execution {_execution(attempt)}: {attempt} has begun {count} times"
        if attempt not in known:
            yield f"execution {_execution(attempt)}: {attempt} has run, and nobody knows of it"


def _success_once(evidence: Evidence, runs: Runs) -> Iterator[str]:
    successes = Counter[str]()
    for attempt, count in runs.succeeded.items():
        successes[attempt.partition("#")[0]] += count
    for instance, count in successes.items():
        if count > 1:
            yield f"execution {_execution(instance)}: {instance} has succeeded {count} times"
    for row in evidence.executions:
        if row.reason == "main-0 has finished." and not successes[f"{row.id}/main-0"]:
            yield f"execution {row.id}: main-0 is said to have finished, and never did"


def _attempts_within_limits(evidence: Evidence, orders: list[Order], runs: Runs) -> Iterator[str]:
    begun: dict[int, int] = defaultdict(int)
    for attempt in runs.begun:
        if "/main-0#" in attempt:
            begun[_execution(attempt)] += 1
    for order in orders:
        most = KINDS[order.kind].attempts
        if order.execution_id is not None and begun[order.execution_id] > most:
            yield (
                f"execution {order.execution_id}: main-0 was started {begun[order.execution_id]} "
                f"times, and should be {most} times at most"
            )


def _execution(attempt: str) -> int:
    return int(attempt.partition("/")[0])
