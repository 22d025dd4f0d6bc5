"""dbalias: Django database aliases on Kubernetes.

The rooms, in the direction imports may run (a check in pyproject.toml holds it):
``cli`` → ``cluster`` → ``reconcile`` → ``migrations`` → ``django`` → ``api``.
``runtime`` stands alone: it runs inside the application's image.
"""

__version__ = "0.1.0"
