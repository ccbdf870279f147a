"""How much chaos: little in an ordinary test run, more in `make chaos`."""

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """`seconds` of faults for each world, `executions` submitted meanwhile, and the `seed`."""

    seconds: float
    executions: int
    seed: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Scale":
        """CHAOS_SECONDS, CHAOS_EXECUTIONS, CHAOS_SEED; the seed may be `random`."""
        seed = environment.get("CHAOS_SEED", "1")
        return cls(
            seconds=float(environment.get("CHAOS_SECONDS", "6")),
            executions=int(environment.get("CHAOS_EXECUTIONS", "20")),
            seed=random.SystemRandom().randrange(10**6) if seed == "random" else int(seed),
        )

    def __str__(self) -> str:
        return (
            f"chaos: CHAOS_SEED={self.seed} CHAOS_SECONDS={self.seconds:g} "
            f"CHAOS_EXECUTIONS={self.executions}"
        )

    def random_for(self, purpose: str) -> random.Random:
        """Random numbers of one part of a world, the same whatever the other parts draw."""
        return random.Random(f"{self.seed}/{purpose}")


SCALE = Scale.from_environment()
"""Drawn once: whoever asks for a random seed gets the same one all over the run."""
