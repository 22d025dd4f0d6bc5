"""Database servers: what a provisioned alias needs there, what is there, the statements between.

psycopg and PyMySQL live here alone. What differs between engines is one sub-folder each; deciding
is pure, and only sessions do I/O: blocking, in threads of a pool that each endpoint has of its own.
The reconcile room calls this one; this room knows nothing of Kubernetes.
"""
