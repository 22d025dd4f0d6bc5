"""A binding Secret as the API server gives it back."""

from __future__ import annotations

import base64

from dbalias.api.meta import JSON
from dbalias.servers.bindings import Binding


def stored(binding: Binding, **data: bytes | None) -> JSON:
    """Return the Secret as the API server has it, with some of its data edited or taken away."""
    edited = {key: value.reveal() for key, value in binding.data.items()} | data
    return {
        "metadata": {
            "name": "users-binding",
            "resourceVersion": "7",
            "labels": {**binding.labels, "their": "label"},
            "annotations": {**binding.annotations, "their": "annotation"},
        },
        "type": binding.type,
        "data": {
            key: base64.b64encode(value).decode()
            for key, value in edited.items()
            if value is not None
        },
    }
