"""GPUs are found, and each is shown to the one instance that has it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from traitlets import TraitError

from tests.contract.sites import DEPLOYMENT, ProcessSite
from zoe_master.backends.process.gpus import find_gpus, gpu_variables


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ProcessSite]:
    site = ProcessSite(tmp_path)
    yield site
    site.close()


def test_they_are_counted_where_the_driver_lists_them(tmp_path: Path) -> None:
    driver, devices = tmp_path / "gpus", tmp_path / "dev"
    devices.mkdir()
    assert find_gpus(driver, devices) == []
    for name in ("nvidia0", "nvidia10", "nvidiactl", "nvidia-uvm"):
        (devices / name).touch()
    assert find_gpus(driver, devices) == ["0", "1"]
    for name in ("0000:01:00.0", "0000:41:00.0", "0000:81:00.0"):
        (driver / name).mkdir(parents=True)
    assert find_gpus(driver, devices) == ["0", "1", "2"]


def test_where_there_are_none_nothing_is_said_of_them() -> None:
    assert gpu_variables((), ()) == {}


@pytest.mark.parametrize(
    ("devices", "cuda", "nvidia"),
    [((), "", "none"), (("1",), "1", "1"), (("0", "1"), "0,1", "0,1")],
)
def test_an_instance_sees_its_own(
    site: ProcessSite, devices: tuple[str, ...], cuda: str, nvidia: str
) -> None:
    script = 'echo "$CUDA_DEVICE_ORDER|$CUDA_VISIBLE_DEVICES|$NVIDIA_VISIBLE_DEVICES"'
    wished = {"CUDA_VISIBLE_DEVICES": "0,1,2"}
    _, log = site.run("sh", "-c", script, devices=devices, environment=wished)
    assert log.decode() == f"PCI_BUS_ID|{cuda}|{nvidia}\n"


def test_a_site_may_say_which_there_are(site: ProcessSite) -> None:
    backend = site.make("other", gpus=["GPU-7", "GPU-9"])
    [node] = backend.nodes()
    assert node.devices == ("GPU-7", "GPU-9")
    assert node.capacity.gpus == 2


@pytest.mark.parametrize("ids", [["0", "0"], ["0,1"], [""]])
def test_bad_ids_are_named(site: ProcessSite, ids: list[str]) -> None:
    with pytest.raises(TraitError, match=r"c.ProcessBackend.gpus: '.*' is empty, double or has"):
        site.make(DEPLOYMENT, gpus=ids)
