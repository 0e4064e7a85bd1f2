"""One picture: its file in and out, as RGB in [0, 1] and what is needed to write it back in kind.

Nothing else in the package reads or writes pictures.
"""

from .reading import HEIF_SUFFIXES, read_image, readable_suffixes
from .value import ImageFile, ImageFileError, Metadata
from .writing import (
    FORMAT_OF_SUFFIX,
    WRITABLE_SUFFIXES,
    check_writable,
    save_image,
    write_file,
    write_image,
)

__all__ = [
    "FORMAT_OF_SUFFIX",
    "HEIF_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "ImageFile",
    "ImageFileError",
    "Metadata",
    "check_writable",
    "read_image",
    "readable_suffixes",
    "save_image",
    "write_file",
    "write_image",
]
