"""What is done to an unpacked Debian; unpacking one takes minutes and a network."""

from pathlib import Path

import pytest

from zapp_gallery.images.debian import add_updates, make_slim, provide
from zapp_gallery.images.docker_command import Docker, EngineError

FILES = [
    "etc/dpkg/dpkg.cfg",
    "etc/hostname",
    "etc/resolv.conf",
    "usr/bin/bash",
    "usr/share/doc/bash/README.gz",
    "usr/share/doc/bash/copyright",
    "usr/share/locale/de/LC_MESSAGES/bash.mo",
    "usr/share/locale/locale.alias",
    "usr/share/man/man1/bash.1.gz",
    "usr/share/perl5/Debconf.pm",
    "var/cache/apt/archives/bash_5.2_amd64.deb",
    "var/lib/apt/lists/example.org_debian_dists_bookworm_InRelease",
    "var/log/apt/history.log",
    "var/log/bootstrap.log",
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "etc/dpkg/dpkg.cfg.d").mkdir(parents=True)
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def files(tree: Path) -> set[str]:
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir()}


def test_what_came_from_this_machine_is_left_behind(tree: Path) -> None:
    make_slim(tree)
    assert files(tree) == {
        "etc/dpkg/dpkg.cfg",
        "etc/dpkg/dpkg.cfg.d/docker",
        "usr/bin/bash",
        "usr/share/doc/bash/copyright",
        "usr/share/locale/locale.alias",
        "usr/share/perl5/Debconf.pm",
    }


def test_directories_stay_for_the_programs_that_expect_them(tree: Path) -> None:
    make_slim(tree)
    for name in ("usr/share/man/man1", "var/lib/apt/lists", "var/log/apt"):
        assert (tree / name).is_dir()


def test_links_are_removed_not_followed(tree: Path) -> None:
    (tree / "usr/share/man/all").symlink_to(tree / "usr/bin")
    (tree / "usr/share/doc/program").symlink_to("../../bin/bash")
    make_slim(tree)
    assert (tree / "usr/bin/bash").exists()
    assert not (tree / "usr/share/doc/program").is_symlink()


def test_later_packages_leave_their_documents_out_too(tree: Path) -> None:
    make_slim(tree)
    rules = (tree / "etc/dpkg/dpkg.cfg.d/docker").read_text().splitlines()
    assert "path-exclude /usr/share/man/*" in rules
    assert rules.index("path-include /usr/share/doc/*/copyright") > rules.index(
        "path-exclude /usr/share/doc/*"
    )


def test_updates_come_from_where_the_release_came_from(tree: Path) -> None:
    sources = tree / "etc/apt/sources.list"
    sources.parent.mkdir()
    sources.write_text("deb http://mirror.example.org/debian bookworm main\n")
    add_updates(tree)
    assert sources.read_text() == (
        "deb http://mirror.example.org/debian bookworm main\n"
        "deb http://mirror.example.org/debian bookworm-updates main\n"
        "deb http://mirror.example.org/debian-security bookworm-security main\n"
    )


def test_without_debootstrap_it_says_what_would_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"cannot pull it\. Load it, or install debootstrap"):
        provide(Docker("/bin/false"), "debian:bookworm-slim")
