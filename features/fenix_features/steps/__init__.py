"""The steps, shared by every flow. A step is written once, in the module of what it is about."""

#: The modules that hold steps; each is registered as a pytest plugin.
MODULES = (
    "fenix_features.steps.cloud",
    "fenix_features.steps.cast",
    "fenix_features.steps.session",
    "fenix_features.steps.alarms",
    "fenix_features.steps.replies",
    "fenix_features.steps.instances",
    "fenix_features.steps.outcome",
)
