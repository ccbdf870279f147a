"""Does what happened to its instances end an execution, and how?"""

from __future__ import annotations

from collections.abc import Sequence
from signal import strsignal

from zoe_core.cluster import ExecutionStatus, InstanceView, Observed, Outcome
from zoe_core.scheduling.lifecycle.attempts import current, to_restart
from zoe_core.zapp import ZApp


def judge(zapp: ZApp, instances: Sequence[InstanceView]) -> Outcome | None:
    """The outcome that all attempts of all instances give, or None while the execution goes on.

    One that is started again, as its service's ``restart`` says, decides nothing. Of the others the
    first monitor to end does. Any other essential instance that is lost, could not be started or
    fails ends the execution in error; one that ends with exit code 0 has done its part.
    """
    if not any(each.gone for each in instances):  # as a rule
        return None
    again = {each.id for each in to_restart(zapp, instances)}
    ended = [each for each in current(instances) if each.gone and each.id not in again]
    monitors = [each for each in ended if each.monitor and each.observed is Observed.EXITED]
    if monitors:
        first = min(monitors, key=lambda each: (each.ended_at is None, each.ended_at, each.id))
        return _by_monitor(first)
    for each in ended:
        if each.essential and each.observed is Observed.LOST:
            return Outcome(ExecutionStatus.ERROR, _lost(each))
        if each.essential and each.exit_code != 0:
            return Outcome(ExecutionStatus.ERROR, _failed(each))
    return None


def _by_monitor(monitor: InstanceView) -> Outcome:
    if monitor.exit_code == 0:
        return Outcome(ExecutionStatus.TERMINATED, f"{monitor.id.name} has finished.")
    return Outcome(ExecutionStatus.ERROR, _failed(monitor))


def _failed(instance: InstanceView) -> str:
    code = instance.exit_code
    if instance.detail:
        return f"{instance.id.name} has failed: {instance.detail}"
    if code is not None and code < 0:
        return f"{instance.id.name} was ended by signal {-code} ({strsignal(-code)})."
    return f"{instance.id.name} has failed with exit code {code}; its log may say why."


def _lost(instance: InstanceView) -> str:
    if instance.started_at is None:
        return f"{instance.id.name} could not be started: {instance.detail or 'no reason is known'}"
    return f"{instance.id.name} has disappeared from {instance.node}."
