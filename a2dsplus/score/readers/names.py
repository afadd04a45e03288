"""What a source calls its frames, for predictions that keep its names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from a2dsplus.errors import InputError


def source_frame_names(dataset: Path) -> Mapping[str, Sequence[str]]:
    """Return {video id: what its source calls its frames, in order} of those videos whose source has names.

    Empty where the dataset has no clips.parquet, or pyarrow is not installed. Raises InputError where the table is damaged.
    """
    file = dataset / "clips.parquet"
    if not file.is_file():
        return {}
    try:
        import pyarrow.parquet
    except ImportError:
        return {}
    try:
        table = pyarrow.parquet.read_table(file.absolute(), columns=["video_id", "frame_names"])
    except Exception as error:  # a damaged file makes the reader raise anything
        if "frame_names" in str(error):  # a table of before there were names
            return {}
        raise InputError(f"{file}: damaged ({error!s:.100}); build the dataset again") from None
    pairs = zip(table["video_id"].to_pylist(), table["frame_names"].to_pylist(), strict=True)
    return {video: names for video, names in pairs if names is not None}
