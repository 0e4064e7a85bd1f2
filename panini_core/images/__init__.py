"""One picture: its file in and out, as RGB in [0, 1] and what is needed to write it back in kind.

Nothing else in the package reads or writes pictures.
"""

from .decoding import decode_images, is_animation
from .heif import HEIF_SUFFIXES
from .reading import read_image, read_images, readable_suffixes
from .value import ImageFile, ImageFileError, JpegSource, Metadata, Place
from .writing import (
    ANIMATION_SUFFIX,
    FORMAT_OF_SUFFIX,
    WRITABLE_SUFFIXES,
    check_writable,
    encode_file,
    have_same_format,
    lost_on_writing,
    save_image,
    write_file,
    write_image,
    write_images,
)

__all__ = [
    "ANIMATION_SUFFIX",
    "FORMAT_OF_SUFFIX",
    "HEIF_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "ImageFile",
    "ImageFileError",
    "JpegSource",
    "Metadata",
    "Place",
    "check_writable",
    "decode_images",
    "encode_file",
    "have_same_format",
    "is_animation",
    "lost_on_writing",
    "read_image",
    "read_images",
    "readable_suffixes",
    "save_image",
    "write_file",
    "write_image",
    "write_images",
]
