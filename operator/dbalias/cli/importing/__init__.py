"""What ``dbalias import`` is made of: an existing settings module becomes manifests.

`interpreter` and `values` read it in the project's own interpreter; `entries` says one entry of
DATABASES, `certificates` the files that it names, `drafts` takes back what the operator would
refuse; `routers` decides which routers become policies, with `shapes` and `policies`, and asks
the project itself whether both answer alike; `writing` prints.
"""
