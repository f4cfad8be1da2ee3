"""Errors of kt_models: small classes, each with a stable code."""


class KTModelsError(Exception):
    """Base of every error that kt_models raises on purpose."""

    code: str = "kt_models"


class DataError(KTModelsError):
    """Responses that cannot be what they claim: the message says row and value."""

    code = "data"


class SplitError(KTModelsError):
    """A split that cannot be made, or that would leak."""

    code = "split"


class ConfigError(KTModelsError):
    """A model configuration that contradicts itself or is out of range."""

    code = "config"


class ArtifactError(KTModelsError):
    """A saved model that is missing, changed, newer than this code or of an unknown kind."""

    code = "artifact"


class FitError(KTModelsError):
    """A fit that cannot go on, for instance because a tensor holds NaN."""

    code = "fit"


class StateError(KTModelsError):
    """A learner state that this model cannot read."""

    code = "state"
