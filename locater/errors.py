"""The errors of this package: one clear line each, about an input that its user can mend."""


class LocaterError(ValueError):
    """The base of every error that `locater` raises for bad input."""


class ConfigError(LocaterError):
    """A configuration contradicts itself; the message lists every fault found."""


class CheckpointError(LocaterError):
    """A weight file cannot be read, is not safe to read, or does not fit the configuration."""


class QueryError(LocaterError):
    """A query has no words, or cannot be turned into token ids."""


class VideoError(LocaterError):
    """A video or frame tensor is empty, or of a wrong shape or type."""
