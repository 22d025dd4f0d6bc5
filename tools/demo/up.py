"""The steps of `make demo`, in order."""

import json

from demo import release, showing
from demo.diagnosis import explain
from demo.errors import DemoError
from demo.guides import GUIDES
from demo.images import OPERATOR, SHOP, Image
from demo.programs import Kube
from demo.screen import Screen
from demo.venue import Venue
from demo.watching import wait_for_rollout, wait_until_ready

STEPS = 7


def bring_up(venue: Venue, screen: Screen) -> None:
    """Do everything from a cluster to an application that answers; DemoError when a step fails."""
    screen.step("A cluster")
    kube = venue.prepare()
    screen.say(f"Kubernetes {_version(kube)} answers")
    screen.step("Images: the operator from this checkout, the sample shop from examples/shop")
    operator, shop = venue.bring_image(OPERATOR), venue.bring_image(SHOP)
    for image in (operator, shop):
        screen.say(f"the cluster has {image.reference}")
    screen.step("Namespaces that enforce Pod Security `restricted`, and databases for the examples")
    release.make_namespaces(kube)
    for guide in GUIDES:
        venue.start_databases(guide)
        hosts = sorted({login.host for login in guide.logins()})
        screen.say(f"databases answer as {' and '.join(hosts)}")
    screen.step(f"The operator: helm upgrade --install {release.RELEASE} charts/dbalias")
    release.install(kube, operator)
    try:
        _apply_and_wait(kube, screen, shop)
    except DemoError as error:
        screen.say(str(error))
        explain(kube, screen, tuple(guide.namespace for guide in GUIDES))
        raise
    _show(venue, kube, screen)


def _apply_and_wait(kube: Kube, screen: Screen, shop: Image) -> None:
    wait_for_rollout(kube, screen, namespace=release.NAMESPACE, name=release.RELEASE)
    screen.say("the operator runs")
    screen.step("The guide's examples: kubectl apply, then databases are migrated")
    for guide in GUIDES:
        kube.apply(guide.declared(shop.reference), f"--namespace={guide.namespace}")
    wait_until_ready(kube, screen, GUIDES)
    screen.step("The application: a Deployment that mounts what was published")
    for guide in GUIDES:
        kube.apply(guide.application(shop.reference), f"--namespace={guide.namespace}")
    for guide in GUIDES:
        wait_for_rollout(kube, screen, namespace=guide.namespace, name="shop")
        screen.say(f"{guide.name}: the application is ready")


def _show(venue: Venue, kube: Kube, screen: Screen) -> None:
    screen.step("What there is now")
    for guide in GUIDES:
        showing.show_resources(kube, screen, guide)
        showing.show_published(kube, screen, guide)
        showing.show_jobs(kube, screen, guide)
        showing.show_tables(venue, kube, screen, guide)
        showing.show_application(kube, screen, guide)
    showing.show_next_steps(kube, screen, GUIDES)


def _version(kube: Kube) -> str:
    return str(json.loads(kube.kubectl("get", "--raw=/version"))["gitVersion"]).removeprefix("v")
