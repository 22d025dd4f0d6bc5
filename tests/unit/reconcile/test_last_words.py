"""Pods are remembered as they were seen last, a bounded number for each project."""

from __future__ import annotations

from dbalias.api.meta import Key
from dbalias.reconcile.last_words import KEPT, LastWords
from unit.migrations.builders import a_pod

SHOP, OTHER = Key("space", "shop"), Key("space", "other")


def test_pods_are_remembered_by_project_until_it_is_forgotten() -> None:
    """No project hears of another's."""
    words = LastWords()
    words.note(SHOP, a_pod(uid="1"))
    assert [pod.uid for pod in words.of(SHOP)] == ["1"]
    assert words.of(OTHER) == ()
    words.forget(SHOP)
    assert words.of(SHOP) == ()


def test_oldest_pods_are_forgotten_first() -> None:
    """However many Jobs come and go, memory stays bounded."""
    words = LastWords()
    for number in range(KEPT + 3):
        words.note(SHOP, a_pod(uid=str(number)))
    assert [pod.uid for pod in words.of(SHOP)] == [str(n) for n in range(3, KEPT + 3)]
