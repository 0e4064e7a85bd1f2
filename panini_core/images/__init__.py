"""One picture: its file in and out, as RGB in [0, 1] and what is needed to write it back in kind.

Nothing else in the package reads or writes pictures.
"""

from .reading import READABLE_SUFFIXES, read_image
from .value import ImageFile, ImageFileError, Metadata
from .writing import WRITABLE_SUFFIXES, check_writable, save_image, write_file, write_image

__all__ = [
    "READABLE_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "ImageFile",
    "ImageFileError",
    "Metadata",
    "check_writable",
    "read_image",
    "save_image",
    "write_file",
    "write_image",
]
