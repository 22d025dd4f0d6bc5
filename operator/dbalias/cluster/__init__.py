"""Kubernetes: the only room that speaks to it, through ``kubernetes.aio`` and kopf.

Four small things: ``watch`` (turns "something changed" into a project's key), ``read``,
``write`` (one function writes, and it checks the Lease first) and ``lease``.
"""
