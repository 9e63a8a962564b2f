"""`longread` on a Ray of this machine that claims a GPU: `python -m tests.cluster.canary train run ...`."""

import os
import sys

if __name__ == "__main__":
    os.environ["VERL_USE_EXTERNAL_MODULES"] = "tests.cluster.cpu"
    os.environ["OMP_NUM_THREADS"] = "1"
    import ray

    # verl waits for ever where Ray has fewer logical CPUs than it has actors.
    ray.init(
        "local",
        num_cpus=24,
        num_gpus=1,
        include_dashboard=False,
        object_store_memory=200 << 20,
        log_to_driver="--log" in sys.argv,
    )
    from longread.cli import main

    sys.argv = [one for one in sys.argv if one != "--log"]
    main()
