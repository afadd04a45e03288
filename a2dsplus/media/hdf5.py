"""HDF5 files that are made in memory and then written: the library itself neither names the disk that is full nor comes to an end on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import h5py


@contextmanager
def new_file(path: Path, **settings: Any) -> "Iterator[h5py.File]":
    """Give a new HDF5 file to fill; it is at `path` afterwards. `settings`: h5py's. Raises OSError where it cannot be written."""
    import h5py

    with h5py.File(path, "w", driver="core", backing_store=False, **settings) as file:
        yield file
        file.flush()
        image = file.id.get_file_image()
    path.write_bytes(image)
