"""What the pages of the administration share: their tabs, and bars of what is held and used."""

from __future__ import annotations

from dataclasses import dataclass, replace

from zoe_core.amount import describe_memory


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of the administration; ``away``: it is JupyterHub's, not ours."""

    key: str
    href: str
    label: str
    away: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that is held, in words, and as a share of what there is: 0 to 100.

    ``share`` None: there is no limit. ``full``: nothing is left. ``used`` is the share that is
    really used, which may be more than is held; None: that is not known.
    """

    label: str
    text: str
    share: float | None
    full: bool = False
    used: float | None = None


def tabs(
    prefix: str,
    base_url: str,
    *,
    administers: bool,
    operates: bool,
    sees_queue: bool,
    hub_admin: bool,
) -> list[Tab]:
    """The tabs for somebody; ``prefix`` is the portal's address, ``base_url`` the Hub's prefix."""
    found = []
    if operates and sees_queue:
        found.append(Tab("queue", f"{prefix}queue", "Queue"))
    if operates:
        found.append(Tab("executions", f"{prefix}admin/executions", "Executions"))
    if administers:
        ours = {
            "nodes": "Nodes",
            "users": "Users and quotas",
            "usage": "Usage",
            "warnings": "Warnings",
            "audit": "Audit log",
        }
        found += [Tab(key, f"{prefix}admin/{key}", label) for key, label in ours.items()]
    if administers and hub_admin:
        found.append(Tab("accounts", f"{base_url}hub/admin", "Accounts and groups", away=True))
    return found


def bar(label: str, held: float, most: float | None, *, memory: bool = False) -> Bar:
    """A bar of an amount; ``memory``: in bytes. ``most`` None: without a limit."""
    say = _bytes if memory else number
    if most is None:
        return Bar(label, f"{say(held)}, no limit", None)
    return Bar(label, f"{say(held)} of {say(most)}", _share(held, most), held >= most)


def node_bar(
    label: str, reserved: float, most: float, used: float | None, *, memory: bool = False
) -> Bar:
    """A bar of what is reserved of nodes, and of what is used, if that is known."""
    plain = bar(label, reserved, most, memory=memory)
    if used is None:
        return replace(plain, text=f"Reserved {plain.text}")
    say = _bytes if memory else number
    text = f"Reserved {plain.text}, {say(used)} used"
    return replace(plain, text=text, used=_share(used, most))


def _share(part: float, whole: float) -> float:
    return 100.0 if whole <= 0 else round(min(100.0, 100 * part / whole), 1)


def number(value: float) -> str:
    """A number as people write it: at most three digits after the point, and none for nothing."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _bytes(value: float) -> str:
    return describe_memory(round(value)) if value else "0"
