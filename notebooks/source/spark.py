# %% [markdown]
# # Spark from a notebook
#
# `spark-job` starts a Spark cluster, runs a program on it, and takes it down again. This notebook
# writes such a program, launches it and looks at what it found.
#
# To work with Spark cell by cell instead, launch *PySpark notebook* from the gallery.

# %%
import os
from pathlib import Path

from zoe_client import Client

zoe = Client()
workspace = Path(os.environ["ZOE_WORKSPACE"])
folder = workspace / "examples" / "spark"
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## The data
#
# A table of rides, as a file in your workspace: workers see it under the same path.

# %%
import numpy as np
import pandas as pd

random = np.random.default_rng(7)
count = 50_000
rides = pd.DataFrame(
    {
        "hour": random.integers(0, 24, count),
        "kilometres": random.gamma(2.0, 2.5, count).round(2),
    }
)
rides["minutes"] = (rides.kilometres * (2 + np.sin(rides.hour / 24 * 2 * np.pi))).round(1)
rides.to_csv(folder / "rides.csv", index=False)
rides.head()

# %% [markdown]
# ## The program
#
# An ordinary PySpark program. It gets its arguments on the command line, and writes its result into
# the workspace.

# %%
program = """
import os
import sys

from pyspark.sql import SparkSession, functions as f

source, target = (os.path.join(os.environ["ZOE_WORKSPACE"], name) for name in sys.argv[1:3])
spark = SparkSession.builder.appName("rides").getOrCreate()
rides = spark.read.csv(source, header=True, inferSchema=True)
speed = (
    rides.groupBy("hour")
    .agg((f.sum("kilometres") / f.sum("minutes") * 60).alias("speed"))
    .orderBy("hour")
)
print(f"{rides.count()} rides on {spark.sparkContext.defaultParallelism} cores")
speed.toPandas().to_csv(target, index=False)
spark.stop()
"""
_ = (folder / "rides.py").write_text(program)

# %% [markdown]
# ## When would it start?
#
# `estimate` asks the scheduler, and launches nothing. Here for one worker, and for four.

# %%
for start in zoe.estimate("spark-job", {"workers": 4}, workers=1):
    print(start.parameters, start.text)

# %% [markdown]
# ## Launch it
#
# It starts with the first worker; the second one joins when there is room for it.

# %%
job = zoe.launch(
    "spark-job",
    "rides",
    program="examples/spark/rides.py",
    arguments="examples/spark/rides.csv examples/spark/speed.csv",
    workers=2,
)
for piece in job.logs(follow=True):
    print(piece, end="")

# %% [markdown]
# `result` waits for the end, and raises an error with the last lines of the log if the program
# failed.

# %%
log = job.result(timeout=600)
print(log.splitlines()[-1])

# %% [markdown]
# ## The result

# %%
import matplotlib.pyplot as plt

speed = pd.read_csv(folder / "speed.csv")
figure, axes = plt.subplots(figsize=(7, 3))
axes.bar(speed.hour, speed.speed)
axes.set_xlabel("hour of the day")
axes.set_ylabel("km/h")
figure.tight_layout()
