"""A sample VNFM: the project's end of Fenix's maintenance, scriptable.

    with ProjectManager("project-1", Policy(action=Action.LIVE_MIGRATE)) as manager:
        manager.subscribe(aodh_url)
        manager.wait_for_outcome("MAINTENANCE_COMPLETE", timeout=60)

The names below are loaded when they are first used, so that ``fenix-vnfm --help`` does not load an HTTP client.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fenix_vnfm.behaviours import BEHAVIOURS, Behaviour, UnknownBehaviour, behaviour
    from fenix_vnfm.client import Exchange, FenixClient, JsonClient, listed_instances
    from fenix_vnfm.cloud import Cloud, CloudClient, CloudError, CloudInstance
    from fenix_vnfm.conduct import Conduct, Means, Task
    from fenix_vnfm.events import EventKind, ManagerEvent
    from fenix_vnfm.finder import CloudFinder, FindCloud
    from fenix_vnfm.manager import ProjectManager
    from fenix_vnfm.policy import Policy
    from fenix_vnfm.receiver import AlarmReceiver, ReceivedAlarm
    from fenix_vnfm.subscribe import SubscriptionError

_HOMES = {
    "behaviours": ("BEHAVIOURS", "Behaviour", "UnknownBehaviour", "behaviour"),
    "client": ("Exchange", "FenixClient", "JsonClient", "listed_instances"),
    "cloud": ("Cloud", "CloudClient", "CloudError", "CloudInstance"),
    "conduct": ("Conduct", "Means", "Task"),
    "events": ("EventKind", "ManagerEvent"),
    "finder": ("CloudFinder", "FindCloud"),
    "manager": ("ProjectManager",),
    "policy": ("Policy",),
    "receiver": ("AlarmReceiver", "ReceivedAlarm"),
    "subscribe": ("SubscriptionError",),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BEHAVIOURS",
    "AlarmReceiver",
    "Behaviour",
    "Cloud",
    "CloudClient",
    "CloudError",
    "CloudFinder",
    "CloudInstance",
    "Conduct",
    "EventKind",
    "Exchange",
    "FenixClient",
    "FindCloud",
    "JsonClient",
    "ManagerEvent",
    "Means",
    "Policy",
    "ProjectManager",
    "ReceivedAlarm",
    "SubscriptionError",
    "Task",
    "UnknownBehaviour",
    "behaviour",
    "listed_instances",
]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
