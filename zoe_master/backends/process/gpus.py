"""NVIDIA GPUs of this machine, found without any tool, and given to processes by variables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_DRIVER = Path("/proc/driver/nvidia/gpus")
_DEVICES = Path("/dev")


def find_gpus(driver: Path = _DRIVER, devices: Path = _DEVICES) -> list[str]:
    """The ids of all GPUs: their numbers from 0, in the order of their PCI addresses.

    ``driver`` has a directory for each, once the driver is loaded; in a container it may be
    missing, and only the files ``nvidia<number>`` of ``devices`` are there.
    """
    found = list(driver.glob("*")) or list(devices.glob("nvidia[0-9]*"))
    return [str(number) for number in range(len(found))]


def gpu_variables(assigned: Sequence[str], present: Sequence[str]) -> dict[str, str]:
    """What shows a process its own GPUs only, and none if it has none; nothing where none are.

    These variables of CUDA and of NVIDIA's container tools are a convention, not a wall.
    """
    if not present:
        return {}
    ids = ",".join(assigned)
    return {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # else CUDA numbers them by speed
        "CUDA_VISIBLE_DEVICES": ids,
        "NVIDIA_VISIBLE_DEVICES": ids or "none",
    }
