"""Integrates 4 / (1 + x²) from 0 to 1, which is pi. Argument: the slices, default a million."""

import sys

import numpy as np
from mpi4py import MPI

world = MPI.COMM_WORLD
slices = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000

middles = (np.arange(world.rank, slices, world.size) + 0.5) / slices
part = float(np.sum(4 / (1 + middles**2)) / slices)
print(f"Rank {world.rank} of {world.size}: {len(middles)} slices, {part:.6f}", flush=True)

pi = world.reduce(part, MPI.SUM)
if world.rank == 0:
    print(f"Pi is roughly {pi:.8f}", flush=True)
