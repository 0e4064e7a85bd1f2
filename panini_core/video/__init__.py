"""Films: files with moving pictures, read and written frame by frame through PyAV.

`reading.py` opens a film and gives its frames, `planes.py` turns them into RGB and puts changes
back, `encoders.py` says how a film is coded, `parts.py` writes its frames in parts, `joining.py`
joins these with the sound.
"""

from .joining import WRITABLE as WRITABLE_FILMS
from .reading import VIDEO_SUFFIXES, Film, FilmFrame, FilmTags, VideoFileError

__all__ = ["VIDEO_SUFFIXES", "WRITABLE_FILMS", "Film", "FilmFrame", "FilmTags", "VideoFileError"]
