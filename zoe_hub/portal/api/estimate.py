"""When a launch would start, over REST, before it is made."""

from __future__ import annotations

from dataclasses import replace

from zoe_core.documents import Problem
from zoe_core.protocol.rest import Estimate, EstimateRequest, Estimates
from zoe_hub.portal.auth import ApiHandler
from zoe_hub.portal.launching import estimate, order_of, require_launch
from zoe_hub.portal.operations import operation
from zoe_hub.refusal import Refused
from zoe_hub.submission import Launch, Order


class EstimateStart(ApiHandler):
    """``/estimate``."""

    @operation(
        "estimate",
        "Ask when a launch would start",
        tag="executions",
        body=EstimateRequest,
        response=Estimates,
        answers={200: "The request itself first, then its alternatives in their order."},
    )
    async def post(self, body: EstimateRequest) -> Estimates:
        """Ask when a launch would start, and with other parameters instead; nothing is stored.

        It needs the scopes of the launch, and is refused for what the launch would be refused for.
        The scheduler goes through the queue in advance, with the run times of the past. While it is
        away the answer is 503: try again after `Retry-After`.
        """
        order = replace(order_of(body), name=None)
        require_launch(self.visitor, order)
        launches = [await self.context.submission.check(self.visitor.requester(), order)]
        for number, parameters in enumerate(body.alternatives):
            launches.append(await self._check(number, replace(order, parameters=parameters)))
        starts = await estimate(self, launches)
        return Estimates(
            items=tuple(
                Estimate(**dict(start), parameters=dict(launch.order.parameters))
                for start, launch in zip(starts, launches, strict=True)
            )
        )

    async def _check(self, number: int, order: Order) -> Launch:
        try:
            return await self.context.submission.check(self.visitor.requester(), order)
        except Refused as refused:
            problems = [_in_alternative(number, each) for each in refused.told]
            raise Refused.because(refused.title, problems, status=refused.status) from None


def _in_alternative(number: int, problem: Problem) -> Problem:
    at = f"alternatives[{number}]"
    name = problem.field.removeprefix("parameters.")
    if name == problem.field:
        return Problem(at, str(problem))
    return Problem(f"{at}.{name}", problem.message)
