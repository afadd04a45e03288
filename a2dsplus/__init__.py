"""A2D-S+: construct, check, score and baseline the language-guided video segmentation benchmark.

`a2dsplus.Subset` reads a dataset made by `a2dsplus build`; `a2dsplus.ContrastClips` composes one of the train split for training;
`a2dsplus.collate` makes batches of either for a torch DataLoader; `a2dsplus.score.evaluate` scores masks; everything else is reached through the command line or the modules named in the README.
"""

from typing import TYPE_CHECKING, Any

from a2dsplus.version import __version__

if TYPE_CHECKING:
    from a2dsplus.compose.contrast_clips import ContrastClips
    from a2dsplus.compose.subset import Subset, collate

__all__ = ["ContrastClips", "Subset", "__version__", "collate"]


def __getattr__(name: str) -> Any:
    # the video libraries are imported when a dataset is first read, not by a bare `import a2dsplus`
    if name in ("ContrastClips", "Subset", "collate"):
        from a2dsplus.extras import explained

        with explained():
            from a2dsplus.compose import contrast_clips, subset

        return getattr(contrast_clips if name == "ContrastClips" else subset, name)
    raise AttributeError(f"module 'a2dsplus' has no attribute {name!r}")
