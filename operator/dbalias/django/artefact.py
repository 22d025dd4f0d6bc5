"""The published artefact, for the rooms above: what to write, and when it may be seen.

``document`` builds databases.json, ``gate`` holds back what is not migrated yet,
``secret_files`` fills the Secrets, ``runtime_files`` has the modules that read it all.
"""

from dbalias.django.document import (
    Artefact,
    build_artefact,
    check_size,
    config_map_data,
    needed_files,
    with_revision,
)
from dbalias.django.gate import is_routed_alike, stable_document
from dbalias.django.runtime_files import runtime_files, runtime_hash
from dbalias.django.secret_files import migrate_secret_data, secret_data

__all__ = [
    "Artefact",
    "build_artefact",
    "check_size",
    "config_map_data",
    "is_routed_alike",
    "migrate_secret_data",
    "needed_files",
    "runtime_files",
    "runtime_hash",
    "secret_data",
    "stable_document",
    "with_revision",
]
