"""The operator's Helm release and the namespaces of the demo: made, and taken away."""

from collections.abc import Set

from demo.guides import GUIDES, MADE_BY_DEMO
from demo.images import ROOT, Image
from demo.programs import Kube
from demo.screen import Screen

NAMESPACE = "dbalias-system"
RELEASE = "dbalias"
CHART = ROOT / "charts" / "dbalias"
_KINDS = ("djangoprojects", "databasealiases", "databaseroutingpolicies", "databaseservers")


def make_namespaces(kube: Kube) -> None:
    """Make the namespaces of the operator and of the examples, all of them `restricted`."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted", **MADE_BY_DEMO}
    metadata = {"name": NAMESPACE, "labels": labels}
    own = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    kube.apply([own, *(guide.namespace_object() for guide in GUIDES)])


def install(kube: Kube, image: Image) -> None:
    """Install or upgrade the chart with the operator's image, and wait until it runs."""
    kube.helm(
        *("upgrade", "--install", RELEASE, str(CHART), f"--namespace={NAMESPACE}"),
        *(f"--set=image.repository={image.repository}", f"--set=image.tag={image.tag}"),
        "--set=log.format=text",
    )


def remove_release(kube: Kube, screen: Screen) -> None:
    """Delete the demo's namespaces first, while the operator lives, then the operator itself."""
    selector = ",".join("=".join(pair) for pair in MADE_BY_DEMO.items())
    listed = kube.get("namespaces", f"--selector={selector}")["items"]
    made = {namespace["metadata"]["name"] for namespace in listed}
    if not made:
        screen.say("nothing of the demo is there")
    _delete_namespaces(kube, screen, made - {NAMESPACE})
    if NAMESPACE in made:
        kube.helm("uninstall", RELEASE, f"--namespace={NAMESPACE}", "--ignore-not-found")
        _remove_unused_crds(kube, screen)
        _delete_namespaces(kube, screen, {NAMESPACE})


def _delete_namespaces(kube: Kube, screen: Screen, names: Set[str]) -> None:
    if names:
        listed = sorted(names)
        screen.say(f"deleting namespaces {', '.join(listed)}; pods get half a minute to end …")
        kube.kubectl("delete", "namespace", *listed, "--wait", "--timeout=180s")


def _remove_unused_crds(kube: Kube, screen: Screen) -> None:
    kinds = [f"{kind}.dbalias.dev" for kind in _KINDS]
    known = [kind for kind in kinds if kube.find("crd", kind)]
    if any(kube.get(kind, "--all-namespaces")["items"] for kind in known):
        screen.say("the CRDs stay: there are resources of dbalias in other namespaces")
        return
    for kind in known:
        kube.kubectl("delete", "crd", kind)
