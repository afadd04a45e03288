"""Score any model's masks, and say what the numbers mean (DESIGN section 5)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from a2dsplus.score.evaluation import compare, evaluate
    from a2dsplus.score.integrity import stamp_predictions
    from a2dsplus.score.protocols import Protocol
    from a2dsplus.score.results import Comparison, Report, SubsetScore
    from a2dsplus.score.streaming import Accumulator

_HOMES = {
    "Accumulator": "streaming",
    "Comparison": "results",
    "Protocol": "protocols",
    "Report": "results",
    "SubsetScore": "results",
    "compare": "evaluation",
    "evaluate": "evaluation",
    "stamp_predictions": "integrity",
}
__all__ = ["Accumulator", "Comparison", "Protocol", "Report", "SubsetScore", "compare", "evaluate", "stamp_predictions"]


def __getattr__(name: str) -> Any:
    # numpy and the readers are imported when something is first scored
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(f"a2dsplus.score.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'a2dsplus.score' has no attribute {name!r}")
