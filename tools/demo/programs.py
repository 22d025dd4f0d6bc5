"""Programs that are run for the demo: kubectl, helm and whatever loads images."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.errors import DemoError
from localkube.binaries import find_binaries


def find_program(name: str) -> Path:
    """Return kubectl or helm: the one on the PATH, else the one built for the local cluster."""
    found = shutil.which(name)
    return Path(found) if found else find_binaries(name).path(name)


def run(*argv: str | Path, env: Mapping[str, str] | None = None, input: str | None = None) -> str:
    """Run a program and return what it writes; DemoError with its own words when it fails."""
    words = [str(word) for word in argv]
    done = subprocess.run(
        words,
        input=input,
        env=dict(env) if env is not None else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        shown = " ".join([Path(words[0]).name, *words[1:]])
        raise DemoError(f"`{shown}` failed:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Kube:
    """One cluster through kubectl and helm. `kubeconfig` None: whatever $KUBECONFIG says."""

    kubectl_program: Path
    helm_program: Path
    kubeconfig: Path | None = None

    @property
    def env(self) -> dict[str, str]:
        """Return the environment with which programs reach this cluster."""
        chosen = {"KUBECONFIG": str(self.kubeconfig)} if self.kubeconfig else {}
        return {**os.environ, **chosen}

    @property
    def shell_setup(self) -> str:
        """Return the line after which `kubectl`, typed in a shell, means this cluster."""
        lines = []
        if self.kubeconfig is not None:
            lines.append(f"export KUBECONFIG={self.kubeconfig}")
        if not shutil.which("kubectl"):
            lines.append(f"alias kubectl={self.kubectl_program}")
        return "\n".join(lines)

    def kubectl(self, *arguments: str, input: str | None = None) -> str:
        """Run kubectl; return its output or raise DemoError."""
        return run(self.kubectl_program, *arguments, env=self.env, input=input)

    def helm(self, *arguments: str) -> str:
        """Run helm; return its output or raise DemoError."""
        return run(self.helm_program, *arguments, env=self.env)

    def get(self, *arguments: str) -> Any:
        """Return the JSON of `kubectl get`."""
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def items(self, kinds: str, namespace: str, *arguments: str) -> list[Any]:
        """Return the objects of one or more kinds in a namespace."""
        listed = self.get(kinds, f"--namespace={namespace}", *arguments)["items"]
        return list(listed)

    def find(self, kind: str, name: str, *arguments: str) -> Any | None:
        """Return one object, or None when there is none of that name."""
        text = self.kubectl("get", kind, name, "--ignore-not-found", "--output=json", *arguments)
        return json.loads(text) if text.strip() else None

    def apply(self, objects: Iterable[Mapping[str, Any]], *arguments: str) -> None:
        """Apply objects, all in one call."""
        bodies = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "--filename=-", *arguments, input=json.dumps(bodies))
