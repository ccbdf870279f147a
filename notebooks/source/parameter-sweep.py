# %% [markdown]
# # A sweep over parameters
#
# One notebook, run many times with other values, each run a job of its own. What there is room
# for runs at the same time; the others wait for their turn.

# %%
import json
import os
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from zoe_client import Client

zoe = Client()
folder = Path(os.environ["ZOE_WORKSPACE"]) / "examples" / "sweep"
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## The notebook
#
# Yours will be there already. This one is written here: its first cell has the tag `parameters`
# and the values that count when nobody gives others. Its last cell keeps the result in a file.

# %%
parameters = """
month = 1
days = 30
"""
work = """
import numpy as np

random = np.random.default_rng(month)
visits = random.poisson(200 + 40 * np.sin(month / 12 * 2 * np.pi), days)
"""
plot = """
import matplotlib.pyplot as plt

plt.bar(range(1, days + 1), visits)
plt.title(f"Visits in month {month}")
"""
keep = """
import json
from pathlib import Path

result = {"month": month, "mean": float(visits.mean()), "most": int(visits.max())}
Path(f"month-{month}.json").write_text(json.dumps(result))
"""
report = new_notebook(
    cells=[
        new_code_cell(parameters.strip(), metadata={"tags": ["parameters"]}),
        *(new_code_cell(source.strip()) for source in (work, plot, keep)),
    ]
)
nbformat.write(report, folder / "report.ipynb")

# %% [markdown]
# ## Launch all of them
#
# Every name that is no parameter of `notebook-job` itself is a variable of the notebook.

# %%
jobs = {
    month: zoe.launch(
        "notebook-job", f"report {month}", notebook="examples/sweep/report.ipynb", month=month
    )
    for month in (1, 4, 7, 10)
}

# %% [markdown]
# Wait for them in any order. The executed notebooks, with their plots, are in your workspace, also
# while they run and when a cell has failed. Their pages have a button that opens them.

# %%
for job in jobs.values():
    job.wait(timeout=600)
    places = ", ".join(result.path for result in job.document.results)
    print(f"{job.name}: {job.status.value}, {places}")

# %% [markdown]
# ## Put the results together

# %%
import pandas as pd

results = pd.DataFrame(
    [json.loads((folder / f"month-{month}.json").read_text()) for month in jobs]
).set_index("month")
results

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6, 3))
results["mean"].plot.bar(ax=axes, rot=0)
axes.set_ylabel("visits a day")
figure.tight_layout()
