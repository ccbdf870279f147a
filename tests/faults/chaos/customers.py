"""Those who launch and end executions over REST, and try again as careful clients do."""

import random
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from tests.faults.chaos.programs import KINDS
from tests.faults.chaos.timeline import Timeline
from tests.faults.chaos.world import World

_THREADS = 8
_TRY_AGAIN = 0.3  # seconds
_PATIENCE = 90.0  # seconds after the faults until everything must have been answered
_PROBLEM = "application/problem+json"


@dataclass
class Order:
    """One execution to launch `at` seconds after the beginning, and to end `ended_after` seconds
    later unless that is None. `execution_id` is known once the launch was acknowledged.
    """

    key: str
    kind: str
    at: float
    ended_after: float | None = None
    execution_id: int | None = None


def plan_orders(chance: random.Random, kinds: list[str], seconds: float) -> list[Order]:
    """Orders of these kinds, spread over so many seconds."""
    moments = sorted(chance.uniform(0, seconds) for _ in kinds)
    orders = []
    for number, (kind, at) in enumerate(zip(kinds, moments, strict=True)):
        span = KINDS[kind].ended_after
        ended_after = None if span is None else chance.uniform(*span)
        orders.append(Order(f"order-{number}", kind, at, ended_after))
    return orders


class Customers:
    """Carry out orders while the world is being broken; what must not happen is in `complaints`."""

    def __init__(self, world: World, orders: list[Order], timeline: Timeline) -> None:
        self.complaints: list[str] = []
        self._orders = orders
        self._world = world
        self._timeline = timeline
        self._deadline = float("inf")
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="customer")
        self._http = httpx.Client(
            base_url=f"{world.portal_url}api/v1",
            headers={"Authorization": f"token {world.token}"},
            timeout=10,
        )

    def begin(self) -> None:
        """Begin to carry out the orders, each at its time."""
        self._begun = time.monotonic()
        self._futures = [self._pool.submit(self._carry_out, order) for order in self._orders]

    def finish(self) -> None:
        """The faults are over: wait until all orders are carried out, or given up."""
        self._deadline = time.monotonic() + _PATIENCE
        for future in self._futures:
            future.result()

    def close(self) -> None:
        """Give up what is still to be done."""
        self._deadline = 0.0
        self._pool.shutdown(cancel_futures=True)
        self._http.close()

    def launch(self, key: str, description: Mapping[str, Any]) -> int | None:
        """Launch it, with this key however often it takes; the id, or None when it was refused."""
        body = {"name": key, "description": description}
        answer = self._insist("POST", "/executions", json=body, headers={"Idempotency-Key": key})
        return int(answer.json()["id"]) if answer is not None else None

    def info(self) -> dict[str, Any]:
        """What Zoe says of itself; empty when it does not answer."""
        try:
            answer = self._http.get("/info")
        except httpx.TransportError:
            return {}
        return answer.json() if answer.is_success else {}

    def _carry_out(self, order: Order) -> None:
        time.sleep(max(0.0, self._begun + order.at - time.monotonic()))
        order.execution_id = self.launch(order.key, KINDS[order.kind].make(self._world.ground))
        if order.execution_id is None:
            return
        self._timeline.add(f"{order.key} ({order.kind}) is execution {order.execution_id}")
        if order.ended_after is not None:
            time.sleep(order.ended_after)
            self._insist("DELETE", f"/executions/{order.execution_id}")

    def _insist(self, method: str, path: str, **kwargs: Any) -> httpx.Response | None:
        """Send it until it is done, refused for good, or too late."""
        why = "it is over"
        while time.monotonic() < self._deadline:
            try:
                answer = self._http.request(method, path, **kwargs)
            except httpx.TransportError as error:
                why = repr(error)
            else:
                if answer.is_success:
                    return answer
                why = f"{answer.status_code} {answer.text[:300]}"
                if _is_complaint(answer):
                    self._complain(f"{method} {path} {kwargs.get('headers', '')}: {why}")
                if _is_final(answer):
                    return None
            time.sleep(_TRY_AGAIN)
        self._complain(f"{method} {path} was never done: {why}")
        return None

    def _complain(self, text: str) -> None:
        if text not in self.complaints:
            self.complaints.append(text)
            self._timeline.add(f"COMPLAINT: {text}")


def _is_complaint(answer: httpx.Response) -> bool:
    """Whether the portal itself said no, or that it made a mistake."""
    return answer.headers.get("Content-Type") == _PROBLEM and answer.status_code != 503


def _is_final(answer: httpx.Response) -> bool:
    """A refusal by the portal; a 404 of the proxy means that a part is not there yet."""
    is_problem = answer.headers.get("Content-Type") == _PROBLEM
    return is_problem and answer.status_code < 500 and answer.status_code != 401
