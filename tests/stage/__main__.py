"""`PYTHONPATH=tools:tests python -m stage FOLDER`: keep a stage up while tests are written.

`DBALIAS_STAGE=FOLDER pytest tests/e2e` then joins it. Return rebuilds the operator's image and
restarts it; end of input takes the stage down.
"""

import sys
from pathlib import Path

from stage.images import build_images
from stage.setting import OPERATOR, OPERATOR_NAMESPACE, Setting
from stage.sharing import shared_stage


def renew_operator(setting: Setting) -> None:
    """Run the operator as the checkout has it now."""
    setting.cluster.load_archive(build_images()[0])
    where = (f"deploy/{OPERATOR}", f"--namespace={OPERATOR_NAMESPACE}")
    setting.cluster.kubectl("rollout", "restart", *where)
    setting.cluster.kubectl("rollout", "status", *where, "--timeout=60s")


with shared_stage(Path(sys.argv[1]).resolve()) as stage:
    print(f"export KUBECONFIG={stage.cluster.kubeconfig}", flush=True)
    for _ in sys.stdin:
        renew_operator(stage)
        print("the operator is new", flush=True)
