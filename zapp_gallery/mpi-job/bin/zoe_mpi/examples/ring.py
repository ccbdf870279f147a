"""Passes a token around all ranks and times it. Argument: how many rounds, default 100."""

import sys

from mpi4py import MPI

world = MPI.COMM_WORLD
rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
left, right = (world.rank - 1) % world.size, (world.rank + 1) % world.size

world.barrier()
started = MPI.Wtime()
token = 0
for _ in range(rounds):
    if world.rank == 0:
        world.send(token + 1, right)
        token = world.recv(source=left)
    else:
        token = world.recv(source=left) + 1
        world.send(token, right)
seconds = MPI.Wtime() - started

print(f"Rank {world.rank} of {world.size} has passed the token on", flush=True)
if world.rank == 0:
    assert token == rounds * world.size
    print(f"The token went {rounds} times around {world.size} ranks: {token} hops, "
          f"{1e6 * seconds / token:.0f} microseconds each", flush=True)  # fmt: skip
