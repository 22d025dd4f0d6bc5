"""The configuration files of the node's programs, rendered without any effect."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localkube.controlplane import ControlPlane
from localkube.network import Network

NODE_NAME = "localkube"
_CNI_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin")  # Debian's, and everyone else's
PAUSE_IMAGE = "localhost/localkube-pause:1"
CLUSTER_DOMAIN = "cluster.local"
FURTHER_TAINT = {"key": "localkube/further", "effect": "NoSchedule"}
"""On every node but the first, so that only pods that mean to be there meet its fate."""
# The name by which pods reach this machine, where its databases listen.
HOST_NAME = "host.localkube"


def containerd_config(folder: Path) -> str:
    """Return containerd's configuration: every path of its own, and what needs less privilege."""
    plugins = next((found for found in _CNI_FOLDERS if Path(found).is_dir()), _CNI_FOLDERS[0])
    cri = '[plugins."io.containerd.grpc.v1.cri"'
    return f"""\
version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
address = "{folder}/containerd.sock"

[plugins."io.containerd.internal.v1.opt"]
path = "{folder}/containerd-opt"

{cri}]
sandbox_image = "{PAUSE_IMAGE}"
netns_mounts_under_state_dir = true
# Without CAP_SYS_RESOURCE, as in many containers and sandboxes, lowering a score fails every pod.
restrict_oom_score_adj = true

{cri}.cni]
bin_dir = "{plugins}"
conf_dir = "{folder}/cni"

{cri}.containerd]
snapshotter = "overlayfs"

{cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

{cri}.containerd.runtimes.runc.options]
SystemdCgroup = false
"""


def cni_config(network: Network, folder: Path) -> Mapping[str, Any]:
    """Return the pod network: one routed link per pod, so that no bridge settings matter."""
    return {
        "cniVersion": "0.4.0",
        "name": "localkube",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": True,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(folder / "cni-leases"),
                    "ranges": [[{"subnet": network.pods}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def coredns_config(network: Network, kubeconfig: Path) -> str:
    """Return CoreDNS's configuration: Services, and one name for this machine; no upstream."""
    return f"""\
. {{
    bind {network.node_address}
    errors
    health {network.node_address}:8080
    ready {network.node_address}:8181
    hosts {{
        {network.host_address} {HOST_NAME}
        fallthrough
    }}
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa {{
        kubeconfig {kubeconfig}
        ttl 1
    }}
    cache 1
}}
"""


def kubelet_config(
    plane: ControlPlane, network: Network, folder: Path, *, key_pair: Path
) -> Mapping[str, Any]:
    """Return the kubelet's configuration: no clean-up of images, no throttling, quick syncs.

    ``key_pair``: its server certificate and key, without their endings.
    """
    pki = plane.authority.folder
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": network.node_address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{key_pair}.crt",
        "tlsPrivateKeyFile": f"{key_pair}.key",
        "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock",
        "cgroupDriver": "cgroupfs",
        # Two kubelets under one root would remove each other's pods as orphans.
        "cgroupRoot": f"/{network.namespace}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "localStorageCapacityIsolation": False,
        "clusterDomain": CLUSTER_DOMAIN,
        "clusterDNS": [network.node_address],
        "resolvConf": str(folder / "resolv.conf"),
        "podLogsDir": str(folder / "pods-log"),
        "configMapAndSecretChangeDetectionStrategy": "Watch",
        "syncFrequency": "10s",
        # Zero is "no limit"; the default loses events when many pods fail at once.
        "eventRecordQPS": 0,
        "kubeAPIQPS": 300,
        "kubeAPIBurst": 600,
        "maxPods": 240,
        # Images come from no registry, so one that is collected cannot come back.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "imageMinimumGCAge": "8760h",
        "evictionHard": {
            "memory.available": "0%",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
        "featureGates": dict(plane.options.feature_gates),
    }
