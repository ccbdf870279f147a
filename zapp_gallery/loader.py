"""Reads gallery folders: the manifest of each, and the files that it names.

Format of ``manifest.json``: the original Zoe's, version 1; see :mod:`zoe_core.zapp`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zoe_core.zapp import (
    ManifestEntry,
    ManifestError,
    Parameter,
    ZApp,
    ZAppError,
    apply_parameters,
    parse_manifest_json,
    parse_zapp_json,
)

DEFAULT_DIRECTORY = Path(__file__).parent
"""The folders that come with Zoe."""

MANIFEST = "manifest.json"
MAX_FILE = 2**20  # bytes of one text or logo
_LOGOS = {".svg": "image/svg+xml", ".png": "image/png"}


class GalleryError(Exception):
    """A folder cannot be read; the message names the file and the field."""


@dataclass(frozen=True, slots=True)
class GalleryEntry:
    """One ZApp that may be launched.

    ``zapp`` is the description before its parameters are applied. ``warnings`` are sentences about
    what was ignored in the files.
    """

    manifest: ManifestEntry
    zapp: ZApp = field(repr=False)
    readme_markdown: str = field(repr=False)
    logo_path: Path
    warnings: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """Its name in addresses and on command lines; unique in the gallery."""
        return self.manifest.slug

    @property
    def category(self) -> str:
        """The heading under which people find it."""
        return self.manifest.category

    @property
    def title(self) -> str:
        """What people call it."""
        return self.manifest.name

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What a person may set before a launch."""
        return self.manifest.parameters

    def applied(self, values: Mapping[str, object]) -> ZApp:
        """The description with the values that a person chose. Raises ZAppError."""
        return apply_parameters(self.zapp, self.parameters, values, self.manifest.results)

    @property
    def enabled_for(self) -> tuple[str, ...]:
        """The groups that see it; ``all`` means everybody."""
        return self.manifest.enabled_for

    @property
    def disabled_for(self) -> tuple[str, ...]:
        """The groups that do not see it, whatever else they are in."""
        return self.manifest.disabled_for

    @property
    def images(self) -> frozenset[str]:
        """The images that its services use."""
        return frozenset(service.image for service in self.zapp.services)

    @property
    def logo_type(self) -> str:
        """The media type of the logo."""
        return _LOGOS[self.logo_path.suffix]

    def visible_to(self, groups: Collection[str]) -> bool:
        """Say whether a member of ``groups`` sees it."""
        return self.manifest.visible_to(groups)


class Gallery(Mapping[str, GalleryEntry]):
    """All entries by their slugs, in the order of their categories and titles."""

    def __init__(self, entries: Sequence[GalleryEntry]) -> None:
        ordered = sorted(entries, key=lambda entry: (entry.category.lower(), entry.title.lower()))
        self._entries = {entry.slug: entry for entry in ordered}

    def __getitem__(self, slug: str) -> GalleryEntry:
        return self._entries[slug]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def load_gallery(directories: Sequence[Path] = (DEFAULT_DIRECTORY,)) -> Gallery:
    """Read every folder with a manifest, directly below each of ``directories``.

    Raises GalleryError for the first thing that is wrong, also when two entries share a slug.
    """
    entries: list[GalleryEntry] = []
    origins: dict[str, Path] = {}
    for manifest in _manifests(directories):
        for entry in _load_folder(manifest):
            if entry.slug in origins:
                raise GalleryError(
                    f"{manifest}: slug is {entry.slug!r}, which {origins[entry.slug]} has already: "
                    f"choose another"
                )
            origins[entry.slug] = manifest
            entries.append(entry)
    return Gallery(entries)


def _manifests(directories: Sequence[Path]) -> Iterator[Path]:
    for directory in directories:
        if not directory.is_dir():
            raise GalleryError(f"{directory}: is not a directory, so it holds no gallery folders")
        yield from sorted(directory.glob(f"*/{MANIFEST}"))


def _load_folder(path: Path) -> Iterator[GalleryEntry]:
    try:
        manifest = parse_manifest_json(_read(path))
    except ManifestError as error:
        raise GalleryError(f"{path}: {error}") from None
    for number, entry in enumerate(manifest.zapps):
        ours = f"zapps[{number}]"
        warnings = [str(warning) for warning in manifest.warnings if warning.field.startswith(ours)]
        yield _load_entry(path, ours, entry, warnings)


def _load_entry(path: Path, at: str, entry: ManifestEntry, warnings: Sequence[str]) -> GalleryEntry:
    description = _find(path, f"{at}.description", entry.description)
    readme = _find(path, f"{at}.readable_descr", entry.readable_descr)
    logo = _find(path, f"{at}.logo", entry.logo)
    if logo.suffix not in _LOGOS:
        raise GalleryError(f"{path}: {at}.logo is {entry.logo!r}: must be an .svg or .png file")
    zapp, ignored = _load_zapp(description)
    _check_defaults(path, at, entry, zapp)
    return GalleryEntry(entry, zapp, _decode(readme), logo, (*warnings, *ignored))


def _load_zapp(path: Path) -> tuple[ZApp, list[str]]:
    try:
        parsed = parse_zapp_json(_read(path))
    except ZAppError as error:
        raise GalleryError(f"{path}: {error}") from None
    return parsed.zapp, [str(warning) for warning in parsed.warnings]


def _check_defaults(path: Path, at: str, entry: ManifestEntry, zapp: ZApp) -> None:
    """A parameter whose target the description does not have would fail at the first launch."""
    try:
        apply_parameters(zapp, entry.parameters, {}, entry.results)
    except ZAppError as error:
        raise GalleryError(f"{path}: {at}: {error}") from None


def _find(manifest: Path, at: str, name: str) -> Path:
    """Return the file of the same folder that a manifest names; links must not lead out of it."""
    folder = manifest.parent.resolve()
    place = (folder / name).resolve()
    if not place.is_relative_to(folder):
        raise GalleryError(f"{manifest}: {at} is {name!r}: must be a file of the same folder")
    if not place.is_file():
        raise GalleryError(f"{manifest}: {at} is {name!r}: there is no such file in the folder")
    return place


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE:
            raise GalleryError(f"{path}: has {size} bytes, must have at most {MAX_FILE}")
        return path.read_bytes()
    except OSError as error:
        raise GalleryError(f"{path}: cannot be read: {error.strerror}") from None


def _decode(path: Path) -> str:
    try:
        return _read(path).decode("utf-8")
    except UnicodeDecodeError:
        raise GalleryError(f"{path}: is not text in UTF-8") from None
