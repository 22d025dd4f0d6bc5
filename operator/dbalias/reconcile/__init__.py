"""One pass over one project: snapshot → plan (pure) → execute, and the queue that orders passes.

``gather`` reads everything live into a ``Snapshot``; ``plan`` decides from it and a clock,
without I/O; ``execute`` carries the actions out through the ``Cluster`` protocol that the
cluster room implements. Called by ``cli`` alone.
"""
