"""The folders that come with Zoe: each is whole, consistent, and fit for people."""

import os
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import pytest

from zapp_gallery import DEFAULT_DIRECTORY, GalleryEntry, load_gallery
from zoe_core.zapp import SitePolicy, apply_parameters, check_site

GALLERY = load_gallery()
SCRIPTS = sorted(path for path in DEFAULT_DIRECTORY.glob("*/bin/*") if path.is_file())

each_entry = pytest.mark.parametrize("entry", GALLERY.values(), ids=list(GALLERY))


def test_the_gallery_is_complete() -> None:
    assert set(GALLERY) == {"jupyter", "spark-job", "pyspark-notebook", "mpi-job", "notebook-job"}


@each_entry
def test_nothing_is_ignored(entry: GalleryEntry) -> None:
    assert entry.warnings == ()
    assert entry.zapp.version == 4
    assert entry.zapp.name == entry.slug == entry.logo_path.parent.name
    assert entry.zapp.description


@each_entry
def test_it_may_run_where_nothing_is_granted(entry: GalleryEntry) -> None:
    zapp = apply_parameters(entry.zapp, entry.parameters, {})
    assert check_site(zapp, SitePolicy(needs_command=True)) == ()


@each_entry
def test_commands_are_programs_of_the_gallery(entry: GalleryEntry) -> None:
    names = {script.name for script in SCRIPTS}
    for service in entry.zapp.services:
        assert service.command is not None
        assert shlex.split(service.command)[0] in names


@each_entry
def test_it_fits_a_laptop(entry: GalleryEntry) -> None:
    zapp = apply_parameters(entry.zapp, entry.parameters, {})
    memory = sum((each.resources.memory.min or 0) * each.total_count for each in zapp.services)
    cores = sum((each.resources.cores.min or 0) * each.total_count for each in zapp.services)
    assert memory <= 4 * 2**30
    assert cores <= 1.5  # a notebook runs beside it on two cores


@each_entry
def test_parameters_say_what_they_are(entry: GalleryEntry) -> None:
    for parameter in entry.parameters:
        assert parameter.alias
        assert parameter.readable_name != parameter.name
        assert parameter.description.endswith(".")
        assert parameter.default is not None
        assert f"`{parameter.alias}`" in entry.readme_markdown
        if parameter.kind == "environment":
            having = [s for s in entry.zapp.services if parameter.name in dict(s.environment)]
            assert having, f"no service has {parameter.name}"


@each_entry
def test_a_hub_server_listens_where_the_hub_looks(entry: GalleryEntry) -> None:
    if entry.zapp.hub_server is not None:
        service = entry.zapp.service(entry.zapp.hub_server)
        assert service.name == "notebook"
        assert 8888 in [port.port_number for port in service.ports]
        assert not entry.zapp.will_end


@pytest.mark.parametrize("workers", [1, 3, 16])
def test_mpi_workers_are_one_gang(workers: int) -> None:
    entry = GALLERY["mpi-job"]
    zapp = apply_parameters(entry.zapp, entry.parameters, {"workers": workers})
    service = zapp.service("worker")
    assert (service.total_count, service.essential_count) == (workers, workers)


def test_a_spark_job_starts_with_one_worker() -> None:
    entry = GALLERY["spark-job"]
    service = apply_parameters(entry.zapp, entry.parameters, {"workers": 5}).service("spark-worker")
    assert (service.total_count, service.essential_count) == (5, 1)


@each_entry
def test_the_readme_is_for_people(entry: GalleryEntry) -> None:
    assert entry.readme_markdown.startswith("# ")
    assert "## Try it" in entry.readme_markdown


@each_entry
def test_the_logo_is_a_small_picture_and_nothing_else(entry: GalleryEntry) -> None:
    text = entry.logo_path.read_text()
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox") == "0 0 64 64"
    assert len(text) < 4096
    known = {"svg", "title", "rect", "circle", "path", "g"}
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= known
    for element in root.iter():
        assert not [name for name in element.attrib if re.match(r"on|.*href", name)]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_may_be_executed(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/")


def test_script_names_are_unique() -> None:
    names = [script.name for script in SCRIPTS]
    assert len(names) == len(set(names))
