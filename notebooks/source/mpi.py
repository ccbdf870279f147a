# %% [markdown]
# # MPI from a notebook
#
# `mpi-job` starts workers together, and runs a program on them as one MPI world. The program is a
# Python file that uses mpi4py.

# %%
import os
from pathlib import Path

from zoe_client import Client

zoe = Client()
folder = Path(os.environ["ZOE_WORKSPACE"]) / "examples" / "mpi"
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## The program
#
# Heat spreads along a rod. Each rank has a part of the rod; at each step it tells its neighbours
# the temperatures at its ends.

# %%
program = """
import os
import sys

import numpy as np
from mpi4py import MPI

cells, steps, target = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
world = MPI.COMM_WORLD
left = world.rank - 1 if world.rank > 0 else MPI.PROC_NULL
right = world.rank + 1 if world.rank < world.size - 1 else MPI.PROC_NULL

share = cells // world.size
part = np.zeros(share + 2)  # with a cell of each neighbour
if world.rank == 0:
    part[1 : share // 4] = 100.0
for step in range(steps):
    part[0], part[-1] = part[1], part[-2]  # nothing flows out of the ends of the rod
    world.Sendrecv(part[1:2], left, recvbuf=part[-1:], source=right)
    world.Sendrecv(part[-2:-1], right, recvbuf=part[0:1], source=left)
    part[1:-1] += 0.4 * (part[:-2] - 2 * part[1:-1] + part[2:])
print(f"Rank {world.rank} of {world.size}: {part[1:-1].mean():.2f} degrees", flush=True)

rod = np.empty(share * world.size) if world.rank == 0 else None
world.Gather(np.ascontiguousarray(part[1:-1]), rod)
if world.rank == 0:
    np.save(os.path.join(os.environ["ZOE_WORKSPACE"], target), rod)
"""
_ = (folder / "heat.py").write_text(program)

# %% [markdown]
# ## Launch it
#
# With more steps, the heat gets further. Both jobs are in the queue at once, and run at
# the same time if there is room.

# %%
jobs = {
    steps: zoe.launch(
        "mpi-job",
        f"heat {steps}",
        program="examples/mpi/heat.py",
        arguments=f"200 {steps} examples/mpi/rod-{steps}.npy",
        ranks=4,
        workers=2,
    )
    for steps in (2_000, 8_000)
}

# %%
for steps, job in jobs.items():
    print(f"{steps} steps")
    print(job.result(timeout=600))

# %% [markdown]
# ## The result

# %%
import matplotlib.pyplot as plt
import numpy as np

figure, axes = plt.subplots(figsize=(7, 3))
for steps in jobs:
    axes.plot(np.load(folder / f"rod-{steps}.npy"), label=f"{steps} steps")
axes.set_xlabel("along the rod")
axes.set_ylabel("degrees")
axes.legend()
figure.tight_layout()
