"""The published files as a pod of the application sees them, in a directory of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dbalias.cli.refusal import RefusedError
from dbalias.reconcile.actions import PublishConfigMap, PublishSecret

PUBLIC, PRIVATE = 0o644, 0o600


@contextmanager
def writing(directory: str | Path) -> Iterator[None]:
    """Refuse what cannot be written in a directory, with the path and the system's reason."""
    try:
        yield
    except OSError as error:
        where = error.filename or directory
        raise RefusedError(f"{where} cannot be written: {error.strerror}") from None


def write_files(
    directory: str | Path, config_map: PublishConfigMap | None, secret: PublishSecret
) -> None:
    """Write settings and modules for everybody, credentials for the owner alone.

    Files of the same names are replaced, others stay. Raises OSError.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in secret.data.items():
        write_file(folder / name, value.reveal(), PRIVATE)
    for name, text in (config_map.data if config_map else {}).items():
        write_file(folder / name, text.encode(), PUBLIC)


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Replace a file in one step: neither half of it nor a wider mode is ever to be seen."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        draft.chmod(mode)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
