"""HDF5 files, read with care and written whole.

What is in a stranger's file is looked at before anything of it is read: shape, dtype and storage are in its header; 2 kB can declare
gigabytes, and an array may say that its values lie in another file. Written, a file is made in memory first: the library itself neither
names the disk that is full nor comes to an end on it.
"""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from a2dsplus.errors import AnnotationError

if TYPE_CHECKING:
    import h5py


def plain_array(path: Path, file: "h5py.File", key: str, *, kinds: str, most: int, advice: str) -> "h5py.Dataset":
    """Return an array of numbers, not yet read, that lies in the file itself, has at most `most` values and a dtype of `kinds` (numpy's letters).

    Raises AnnotationError for any other thing; `advice` ends its line.
    """
    import h5py

    if not isinstance(file.get(key, getlink=True), h5py.HardLink):
        what = "is missing" if key not in file else "is a link to another place"
        raise AnnotationError(f"{path}: {key} {what}; {advice}")
    found = file[key]
    if not isinstance(found, h5py.Dataset):
        raise AnnotationError(f"{path}: {key} is a {type(found).__name__.lower()}, expected an array; {advice}")
    if found.external or found.is_virtual:
        raise AnnotationError(f"{path}: the values of {key} lie in another file, which is not read; {advice}")
    if found.dtype.kind not in kinds:
        raise AnnotationError(f"{path}: {key} has dtype {found.dtype!s:.40}, expected numbers; {advice}")
    if found.shape is None or 0 in found.shape:
        raise AnnotationError(f"{path}: {key} of shape {found.shape} is empty; {advice}")
    # a chunk is unpacked whole, however little of it is asked for
    if max(math.prod(found.shape), math.prod(found.chunks or ())) > most:
        raise AnnotationError(f"{path}: {key} declares shape {found.shape}, more than {most} values; {advice}")
    return found


@contextmanager
def new_file(path: Path, **settings: Any) -> "Iterator[h5py.File]":
    """Give a new HDF5 file to fill; it is at `path` afterwards. `settings`: h5py's. Raises OSError where it cannot be written."""
    import h5py

    image = io.BytesIO()
    with h5py.File(image, "w", **settings) as file:
        yield file
    # closed first: an image of an open file may lack its checksums
    path.write_bytes(image.getvalue())
