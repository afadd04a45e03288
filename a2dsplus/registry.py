"""Named things that somebody else's package may add: sources, exports, models, engines. The toolkit's own are listed where they are used."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from a2dsplus.errors import InputError, UsageError, listed
from a2dsplus.extras import missing_extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Objects by name: `built_in`, {name: "module:attribute"}, and what other packages register in the entry-point group `group`.

    `what`: the noun of its error messages ("source").
    """

    what: str
    group: str
    built_in: Mapping[str, str]

    def places(self) -> dict[str, str]:
        """Return {name: "module:attribute"}, by name; raises InputError where two packages register one name."""
        found = dict(self.built_in)
        for entry in entry_points(group=self.group):
            if found.setdefault(entry.name, entry.value) != entry.value:
                raise InputError(
                    f"{self.what} {entry.name}: registered twice, as {found[entry.name]} and as {entry.value}; rename one entry point"
                )
        return dict(sorted(found.items()))

    def load(self, name: str) -> Any:
        """Return the object of a name, or of `module:attribute`.

        Raises UsageError for an unknown name, InputError where it cannot be imported.
        """
        known = self.places()
        place = known.get(name, name)
        module, _, attribute = place.partition(":")
        if not module or not attribute:
            raise UsageError(
                f"{self.what} {name!r}: known are {listed(known, most=30)}; another one by the entry-point group {self.group}, or as"
                " module:name"
            )
        try:
            found: Any = importlib.import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError) as error:
            missing = missing_extra(error) if isinstance(error, ModuleNotFoundError) else None
            if missing is not None:
                raise missing from error
            raise InputError(
                f"{self.what} {name}: {place} cannot be imported ({error}); install its package or correct the name"
            ) from error
        return found
