"""What can be tried without starting anything: one session that is there already, and its projects."""

from __future__ import annotations

from fenix_conformance.server.generated import Layers, prepare
from fenix_conformance.server.judging import Case
from fenix_conformance.server.lab import Lab
from fenix_conformance.server.play import project_url
from fenix_conformance.server.plays.holding import (
    MALFORMED_KINDS,
    METHODS,
    get_forms,
    get_unknown,
    put_malformed,
    put_unknown,
    try_method,
)
from fenix_conformance.server.programme import PLAYS
from fenix_contract.vocabulary import State


def probe(lab: Lab, case: Case) -> None:
    """Fill the case's probes; every play is missing."""
    session_id = lab.options.session or ""
    why = "with --session nothing is started: a session of the suite's own is needed (the admin API)"
    case.missing.update(dict.fromkeys(PLAYS, why))
    if not lab.projects:
        case.missing.update(dict.fromkeys(PLAYS, "--session needs at least one --project"))
        return
    lists = []
    for project in lab.projects:
        url = project_url(lab.options.root, session_id, project)
        lists += [(project, lab.client.send("GET", url, note=f"list of {project}")) for _ in range(2)]
    case.probes["lists"] = lists
    url = project_url(lab.options.root, session_id, lab.projects[0])
    case.probes["forms"] = get_forms(lab, url)
    case.probes["get unknown"] = get_unknown(lab, session_id, lab.projects[0])
    case.probes["put unknown"] = put_unknown(lab, session_id, lab.projects[0])
    case.probes["methods"] = [(method, try_method(lab, method, url)) for method in METHODS]
    case.probes["malformed"] = [(kind, put_malformed(lab, kind, url, State.MAINTENANCE)) for kind in MALFORMED_KINDS]
    requests = prepare(lab, case)
    if requests is not None:
        Layers(lab, case, requests).run()
