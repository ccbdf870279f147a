"""The loader: what a folder may say, and what it says itself about a broken one."""

import json
from pathlib import Path
from typing import Any

import pytest

from zapp_gallery import DEFAULT_DIRECTORY, GalleryError, load_gallery

ZAPP = {
    "name": "mine",
    "version": 4,
    "services": [
        {
            "name": "only",
            "image": "zoe/jupyter",
            "monitor": True,
            "total_count": 1,
            "essential_count": 1,
            "command": "sleep 1",
        }
    ],
}
ENTRY = {
    "category": "Mine",
    "name": "My ZApp",
    "description": "zapp.json",
    "readable_descr": "README.md",
    "logo": "logo.svg",
}


def make_folder(gallery: Path, folder_name: str = "mine", /, **changes: Any) -> Path:
    """Write a good folder; ``changes`` are made to its manifest's entry."""
    folder = gallery / folder_name
    folder.mkdir(parents=True)
    manifest = {"version": 1, "zapps": [{**ENTRY, **changes}]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "zapp.json").write_text(json.dumps(ZAPP))
    (folder / "README.md").write_text("# Mine")
    (folder / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    return folder


def test_a_good_folder(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, disabled_for=["guests"])
    gallery = load_gallery([tmp_path])
    assert list(gallery) == ["my-zapp"]
    entry = gallery["my-zapp"]
    assert (entry.title, entry.category) == ("My ZApp", "Mine")
    assert entry.readme_markdown == "# Mine"
    assert entry.logo_path == (folder / "logo.svg").resolve()
    assert entry.logo_type == "image/svg+xml"
    assert entry.images == {"zoe/jupyter"}
    assert entry.enabled_for == ("all",)
    assert entry.visible_to(["students"])
    assert not entry.visible_to(["students", "guests"])


def test_a_directory_without_folders_is_an_empty_gallery(tmp_path: Path) -> None:
    (tmp_path / "no manifest here").mkdir()
    assert len(load_gallery([tmp_path])) == 0


def test_entries_come_by_category_and_title(tmp_path: Path) -> None:
    make_folder(tmp_path, "a", name="Zebra", category="animals")
    make_folder(tmp_path, "b", name="ant", category="Animals")
    make_folder(tmp_path, "c", name="Oak", category="Trees")
    assert list(load_gallery([tmp_path])) == ["ant", "zebra", "oak"]


def test_several_directories(tmp_path: Path) -> None:
    make_folder(tmp_path / "site")
    gallery = load_gallery([DEFAULT_DIRECTORY, tmp_path / "site"])
    assert {"my-zapp", "spark-job"} <= set(gallery)


def test_unknown_fields_are_warnings(tmp_path: Path) -> None:
    make_folder(tmp_path, color="red")
    assert load_gallery([tmp_path])["my-zapp"].warnings == (
        "zapps[0].color: is ignored: a manifest has no such field",
    )


def test_the_same_slug_twice(tmp_path: Path) -> None:
    make_folder(tmp_path, "one")
    make_folder(tmp_path, "two")
    with pytest.raises(GalleryError, match=r"two/manifest.json: slug is 'my-zapp', which .*one"):
        load_gallery([tmp_path])


def test_a_directory_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="nowhere: is not a directory"):
        load_gallery([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"category": 3}, r"manifest.json: zapps\[0\].category: is 3: must be text"),
        ({"slug": "My ZApp"}, r"manifest.json: zapps\[0\].slug: is 'My ZApp'"),
        ({"readable_descr": "../README.md"}, r"zapps\[0\].readable_descr: is '../README.md'"),
        ({"logo": "/etc/logo.svg"}, r"zapps\[0\].logo: is '/etc/logo.svg'"),
        ({"logo": "none.svg"}, r"zapps\[0\].logo is 'none.svg': there is no such file"),
        ({"logo": "zapp.json"}, r"zapps\[0\].logo is 'zapp.json': must be an .svg or .png file"),
        ({"description": "x.json"}, r"zapps\[0\].description is 'x.json': there is no such file"),
        (
            {"parameters": [{"kind": "service_count", "name": "workers", "default": 2}]},
            r"zapps\[0\]: parameters.workers: is meant for the service 'workers'",
        ),
    ],
)
def test_a_manifest_that_is_wrong(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    make_folder(tmp_path, **changes)
    with pytest.raises(GalleryError, match=message):
        load_gallery([tmp_path])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("manifest.json", b"{", r"manifest.json: "),
        ("manifest.json", b'{"version": 2, "zapps": []}', r"manifest.json: version: is 2"),
        ("zapp.json", b"[]", r"zapp.json: is a list of 0: must be an object"),
        ("zapp.json", b'{"version": 4}', r"zapp.json: (name|services): is missing"),
        ("README.md", b"\xff\xfe", r"README.md: is not text in UTF-8"),
        ("README.md", b"x" * (2**20 + 1), r"README.md: has 1048577 bytes, must have at most"),
    ],
)
def test_a_file_that_is_broken(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (make_folder(tmp_path) / name).write_bytes(content)
    with pytest.raises(GalleryError, match=message):
        load_gallery([tmp_path])


def test_a_link_must_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "gallery")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (folder / "README.md").unlink()
    (folder / "README.md").symlink_to(secret)
    with pytest.raises(GalleryError, match=r"readable_descr .* must be a file of the same folder"):
        load_gallery([tmp_path / "gallery"])
