"""`make demo`: the whole product on a cluster, shown to a person step by step.

`up` takes the cluster of $KUBECONFIG, else it starts one of this machine (localkube); `down` takes
everything away again. The two kinds of cluster differ in `local` and `own` alone.
"""
