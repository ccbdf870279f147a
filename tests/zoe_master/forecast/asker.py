"""A process that asks a forecasting process of its own, prints the pid of that, and waits."""

import asyncio
import logging

from tests.zoe_master.forecast.pictures import NOW, PICTURE
from zoe_core.scheduling import SchedulingSettings, StartRules
from zoe_master.engine.experience import Experience
from zoe_master.forecast.process import ForecastProcess


async def main() -> None:
    log = logging.getLogger("asker")
    asked = ForecastProcess(SchedulingSettings(), StartRules(), Experience(), log)
    await asked.ask(lambda: PICTURE, NOW, within=60)
    print(asked.pid, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
