"""One picture: its file in and out, as RGB in [0, 1] and what is needed to write it back in kind.

Nothing else in the package reads or writes pictures.
"""

from .heif import HEIF_SUFFIXES
from .reading import read_image, readable_suffixes
from .value import ImageFile, ImageFileError, JpegSource, Metadata
from .writing import (
    FORMAT_OF_SUFFIX,
    WRITABLE_SUFFIXES,
    check_writable,
    lost_on_writing,
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
    "JpegSource",
    "Metadata",
    "check_writable",
    "lost_on_writing",
    "read_image",
    "readable_suffixes",
    "save_image",
    "write_file",
    "write_image",
]
