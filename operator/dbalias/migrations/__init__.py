"""Whether a migrate Job must start, what it looks like, and what its end means.

Everything here is pure: Jobs and pods come in as values (``observed``), the time comes in as
an argument, and what leaves is a verdict per alias (``decide``), put in order for the whole
project (``order``). ``reconcile`` alone calls this room; nothing here speaks to Kubernetes.
"""
