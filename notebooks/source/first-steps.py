# %% [markdown]
# # First steps
#
# Run a cell with Shift + Enter. This notebook is yours: what you change or delete stays so. To have
# all examples as they were, run `rm -r examples .zoe/examples` in a terminal, and start your server
# again.

# %%
1 + 1

# %% [markdown]
# ## A plot

# %%
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 2 * np.pi, 200)
figure, axes = plt.subplots(figsize=(6, 3))
axes.plot(x, np.sin(x), label="sin")
axes.plot(x, np.cos(x), label="cos")
axes.legend()
figure.tight_layout()

# %% [markdown]
# ## Your workspace
#
# Files that you put here are seen by everything you launch from the gallery, and stay when a server
# or a job has ended.

# %%
import os
from pathlib import Path

workspace = Path(os.environ.get("ZOE_WORKSPACE", "."))
print(workspace.resolve())
sorted(entry.name for entry in workspace.iterdir() if not entry.name.startswith("."))

# %% [markdown]
# ## Zoe from Python
#
# A client finds Zoe by itself here. It needs no address and no password: it acts as you.

# %%
from zoe_client import Client

zoe = Client()
zoe.info()

# %% [markdown]
# This is what the gallery has for you. Each ZApp has a page that says what it does and which
# parameters it takes.

# %%
for zapp in zoe.zapps():
    print(f"{zapp.slug:20} {zapp.description}")

# %% [markdown]
# ## Launch something
#
# `launch` returns as soon as Zoe has it. It waits in the queue until there is room, starts, and
# ends; `logs` follows what it prints. This one runs a small notebook that is put into your
# workspace.

# %%
job = zoe.launch("notebook-job", samples=200_000)
for piece in job.logs(follow=True):
    print(piece, end="")

# %%
job.wait(timeout=300)
print(job.status.value)
for result in job.document.results:
    print(f"{result.name}: {result.path}")

# %% [markdown]
# Everything you launched is in the list *My executions* of the portal, and here, newest first:

# %%
from itertools import islice

for execution in islice(zoe.executions(), 5):
    print(execution.id, execution.name, execution.status.value)

# %% [markdown]
# ## With the mouse
#
# The same as widgets. They go on while other cells run. Choose something in the gallery, launch it,
# and watch it.

# %%
from zoe_client.widgets import Cluster, ExecutionView, Gallery, Queue

Gallery()

# %%
ExecutionView(job)

# %% [markdown]
# What waits, and how full the nodes are:

# %%
Queue()

# %%
Cluster()

# %% [markdown]
# ## In the terminal
#
# *File*, *New*, *Terminal*: there `zoe` does the same. Try `zoe gallery`, `zoe run notebook-job
# --follow`, `zoe ls`, `zoe --help`.
