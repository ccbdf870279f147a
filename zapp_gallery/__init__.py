"""The gallery: folders that describe ZApps, and the loader that reads them."""

from zapp_gallery.loader import (
    DEFAULT_DIRECTORY,
    Gallery,
    GalleryEntry,
    GalleryError,
    load_gallery,
)

__all__ = ["DEFAULT_DIRECTORY", "Gallery", "GalleryEntry", "GalleryError", "load_gallery"]
