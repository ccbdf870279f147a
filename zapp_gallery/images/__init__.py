"""Builds the images of the gallery: ``python -m zapp_gallery.images``, or ``make images``.

It asks Docker for what the Dockerfiles say, and sees to what they cannot know: in which order they
are built, the site's settings of pip, and Debian where no registry can be reached.
"""
