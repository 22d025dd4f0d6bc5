"""What the operator wrote, as the API server's audit log has it."""

import json
from datetime import datetime
from pathlib import Path

from stage.setting import OPERATOR_ACCOUNT

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


def writes_since(log: Path, since: float, *, namespace: str) -> list[str]:
    """Return the operator's write requests in a namespace since then, Leases apart.

    `since` is in seconds since 1970; each write reads like `patch databasealiases/users`.
    """
    found = []
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            if namespace not in line or OPERATOR_ACCOUNT not in line:
                continue
            event = json.loads(line)
            target = event.get("objectRef", {})
            at = datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp()
            ours = event["user"]["username"] == OPERATOR_ACCOUNT and event["verb"] in _WRITES
            here = target.get("namespace") == namespace and target.get("resource") != "leases"
            if ours and here and at >= since:
                found.append(f"{event['verb']} {target['resource']}/{target.get('name', '')}")
    return found
