# %% [markdown]
# # Who used what
#
# A report of the last days, with plots. Administrators get that of everybody, all others their own.

# %% tags=["parameters"]
days = 14

# %%
from datetime import UTC, datetime, timedelta

import matplotlib.pyplot as plt
import pandas as pd

from zoe_client import Client

zoe = Client()
caller = zoe.info().caller
until = datetime.now(UTC)
since = until - timedelta(days=days)
everybody = "*" if "custom:zoe:admin" in caller.scopes else None


def usage(group_by):
    """What was used in the period, as a table."""
    report = zoe.usage(since, until, group_by, user=everybody)
    columns = ["key", "executions", "failed", "core_hours", "memory_gb_hours", "mean_wait_s"]
    rows = [row.model_dump(include=set(columns)) for row in report.items]
    return pd.DataFrame(rows, columns=columns).set_index("key").rename_axis(group_by)


print(f"From {since:%d %B} to {until:%d %B}, of {'everybody' if everybody else caller.name}")

# %% [markdown]
# ## By user
#
# Core-hours are cores that were reserved, times the hours for which they were held.

# %%
by_user = usage("user").sort_values("core_hours", ascending=False)
by_user.round(2)

# %% [markdown]
# ## By day

# %%
by_day = usage("day")
figure, axes = plt.subplots(2, 1, figsize=(7, 4), sharex=True)
for column, title, axis in zip(
    ("core_hours", "memory_gb_hours"), ("core-hours", "GB-hours of memory"), axes, strict=True
):
    axis.bar(pd.to_datetime(by_day.index), by_day[column])
    axis.set_ylabel(title)
axes[0].set_xlim(since - timedelta(days=1), until + timedelta(days=1))
figure.autofmt_xdate()
figure.tight_layout()

# %% [markdown]
# ## By ZApp, and how long people waited

# %%
by_zapp = usage("zapp").sort_values("core_hours")
figure, axes = plt.subplots(1, 2, figsize=(9, 0.6 + 0.4 * max(len(by_zapp), 3)), sharey=True)
axes[0].barh(by_zapp.index, by_zapp.core_hours)
axes[0].set_xlabel("core-hours")
axes[1].barh(by_zapp.index, by_zapp.mean_wait_s.fillna(0).astype(float))
axes[1].set_xlabel("seconds in the queue, on average")
figure.tight_layout()

# %% [markdown]
# ## What failed

# %%
failed = by_zapp[by_zapp.failed > 0][["executions", "failed"]]
failed if len(failed) else "Nothing."
