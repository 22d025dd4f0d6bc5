"""The shape of ``spec.migrate.pod``: what may be set on a migrate Job's pod.

The fields are those of Kubernetes' PodSpec and Container with the same names (core/v1),
bounded; whatever could reach the node or weaken the security context is not among them.
"""

from __future__ import annotations

from dbalias.api import limits
from dbalias.api.shape_of_alias import KEY_REF, LOCAL_REF, OBJECT_NAME
from dbalias.api.shapes import Choice, Flag, Items, Number, NumberOrText, Record, Table, Text

QUANTITY = NumberOrText(
    32,
    pattern=r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$",
)
LABEL_KEY = Text(317)
LABEL_VALUE = Text(63, min_length=0, pattern=r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")
LABELS = Table(LABEL_VALUE, 32)
VOLUME_NAME = Text(63, pattern=limits.DNS_LABEL)
PATH = Text(1024)
FILE_MODE = Number(0, 0o777)

SELECTOR_TERM = Record(
    {
        "key": LABEL_KEY,
        "operator": Choice(("In", "NotIn", "Exists", "DoesNotExist")),
        "values": Items(LABEL_VALUE, 32),
    },
    required=("key", "operator"),
)
LABEL_SELECTOR = Record({"matchLabels": LABELS, "matchExpressions": Items(SELECTOR_TERM, 16)})
NODE_SELECTOR_TERM = Record(
    {
        "key": LABEL_KEY,
        "operator": Choice(("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")),
        "values": Items(Text(253, min_length=0), 32),
    },
    required=("key", "operator"),
)
NODE_TERM = Record(
    {
        "matchExpressions": Items(NODE_SELECTOR_TERM, 16),
        "matchFields": Items(NODE_SELECTOR_TERM, 16),
    }
)
WEIGHT = Number(1, 100)
NODE_AFFINITY = Record(
    {
        "requiredDuringSchedulingIgnoredDuringExecution": Record(
            {"nodeSelectorTerms": Items(NODE_TERM, 16, min_items=1)},
            required=("nodeSelectorTerms",),
        ),
        "preferredDuringSchedulingIgnoredDuringExecution": Items(
            Record({"weight": WEIGHT, "preference": NODE_TERM}, required=("weight", "preference")),
            16,
        ),
    }
)
MATCH_LABEL_KEYS = Items(LABEL_KEY, 16, distinct=True)
POD_TERM = Record(
    {
        "labelSelector": LABEL_SELECTOR,
        "namespaceSelector": LABEL_SELECTOR,
        "namespaces": Items(Text(63, pattern=limits.DNS_LABEL), 32, distinct=True),
        "topologyKey": LABEL_KEY,
        "matchLabelKeys": MATCH_LABEL_KEYS,
        "mismatchLabelKeys": MATCH_LABEL_KEYS,
    },
    required=("topologyKey",),
)
POD_AFFINITY = Record(
    {
        "requiredDuringSchedulingIgnoredDuringExecution": Items(POD_TERM, 16),
        "preferredDuringSchedulingIgnoredDuringExecution": Items(
            Record(
                {"weight": WEIGHT, "podAffinityTerm": POD_TERM},
                required=("weight", "podAffinityTerm"),
            ),
            16,
        ),
    }
)

TOLERATION = Record(
    {
        "key": Text(317, min_length=0),
        "operator": Choice(("Exists", "Equal")),
        "value": LABEL_VALUE,
        "effect": Choice(("NoSchedule", "PreferNoSchedule", "NoExecute")),
        "tolerationSeconds": Number(0, 2_592_000),
    }
)
TOPOLOGY_SPREAD = Record(
    {
        "maxSkew": Number(1, 1000),
        "topologyKey": LABEL_KEY,
        "whenUnsatisfiable": Choice(("DoNotSchedule", "ScheduleAnyway")),
        "labelSelector": LABEL_SELECTOR,
        "minDomains": Number(1, 1000),
        "nodeAffinityPolicy": Choice(("Honor", "Ignore")),
        "nodeTaintsPolicy": Choice(("Honor", "Ignore")),
        "matchLabelKeys": MATCH_LABEL_KEYS,
    },
    required=("maxSkew", "topologyKey", "whenUnsatisfiable"),
)

OPTIONAL_KEY_REF = Record({**KEY_REF.fields, "optional": Flag()}, required=KEY_REF.required)
OPTIONAL_REF = Record({"name": OBJECT_NAME, "optional": Flag()}, required=("name",))
ENV = Record(
    {
        "name": Text(255, pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$"),
        "value": Text(32_768, min_length=0),
        "valueFrom": Record(
            {
                "configMapKeyRef": OPTIONAL_KEY_REF,
                "secretKeyRef": OPTIONAL_KEY_REF,
                "fieldRef": Record(
                    {"apiVersion": Text(32), "fieldPath": Text(512)}, required=("fieldPath",)
                ),
            }
        ),
    },
    required=("name",),
)
ENV_FROM = Record(
    {
        "prefix": Text(128, min_length=0, pattern=r"^[-._a-zA-Z0-9]*$"),
        "configMapRef": OPTIONAL_REF,
        "secretRef": OPTIONAL_REF,
    }
)

KEY_TO_PATH = Items(
    Record(
        {"key": Text(253, pattern=limits.DATA_KEY), "path": PATH, "mode": FILE_MODE},
        required=("key", "path"),
    ),
    64,
)
CONFIG_MAP = Record(
    {"name": OBJECT_NAME, "items": KEY_TO_PATH, "optional": Flag(), "defaultMode": FILE_MODE},
    required=("name",),
)
SECRET = Record(
    {
        "secretName": OBJECT_NAME,
        "items": KEY_TO_PATH,
        "optional": Flag(),
        "defaultMode": FILE_MODE,
    },
    required=("secretName",),
)
PROJECTION = Record(
    {"name": OBJECT_NAME, "items": KEY_TO_PATH, "optional": Flag()}, required=("name",)
)
PROJECTED = Record(
    {
        "defaultMode": FILE_MODE,
        "sources": Items(
            Record(
                {
                    "configMap": PROJECTION,
                    "secret": PROJECTION,
                    "serviceAccountToken": Record(
                        {
                            "audience": Text(512),
                            "expirationSeconds": Number(600, 4_294_967_296),
                            "path": PATH,
                        },
                        required=("path",),
                    ),
                }
            ),
            16,
            min_items=1,
        ),
    },
    required=("sources",),
)
EMPTY_DIR = Record({"medium": Choice(("", "Memory")), "sizeLimit": QUANTITY})
CSI = Record(
    {
        "driver": Text(63),
        "fsType": Text(32),
        "readOnly": Flag(),
        "volumeAttributes": Table(Text(1024, min_length=0), 32),
        "nodePublishSecretRef": LOCAL_REF,
    },
    required=("driver",),
)
VOLUME = Record(
    {
        "name": VOLUME_NAME,
        "configMap": CONFIG_MAP,
        "secret": SECRET,
        "projected": PROJECTED,
        "emptyDir": EMPTY_DIR,
        "csi": CSI,
    },
    required=("name",),
)
VOLUME_MOUNT = Record(
    {
        "name": VOLUME_NAME,
        "mountPath": Text(1024, pattern=r"^/[^:]*$"),
        "subPath": PATH,
        "readOnly": Flag(),
    },
    required=("name", "mountPath"),
)

ID = Number(0, 2**31 - 1)
POD = Record(
    {
        "resources": Record({"requests": Table(QUANTITY, 16), "limits": Table(QUANTITY, 16)}),
        "nodeSelector": LABELS,
        "tolerations": Items(TOLERATION, 32),
        "affinity": Record(
            {
                "nodeAffinity": NODE_AFFINITY,
                "podAffinity": POD_AFFINITY,
                "podAntiAffinity": POD_AFFINITY,
            }
        ),
        "topologySpreadConstraints": Items(
            TOPOLOGY_SPREAD, 16, keys=("topologyKey", "whenUnsatisfiable")
        ),
        "imagePullSecrets": Items(LOCAL_REF, 16, keys=("name",)),
        "imagePullPolicy": Choice(("Always", "IfNotPresent", "Never")),
        "serviceAccountName": OBJECT_NAME,
        "env": Items(ENV, 128, keys=("name",)),
        "envFrom": Items(ENV_FROM, 32),
        "labels": LABELS,
        "annotations": Table(Text(4096, min_length=0), 32),
        "priorityClassName": OBJECT_NAME,
        "runAsUser": Number(1, 2**31 - 1),
        "runAsGroup": ID,
        "fsGroup": ID,
        "volumes": Items(VOLUME, 32, keys=("name",)),
        "volumeMounts": Items(VOLUME_MOUNT, 32, keys=("mountPath",)),
    }
)
