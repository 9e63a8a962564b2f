"""Reward, entropy and length of a run as one picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from longread.errors import InputError
from longread.training.trainer import METRICS, STAGE

_LABELS = {"entropy": "entropy (nats)", "length": "reply (tokens)", "nll": "loss (nats)"}


def plot(run: Path, picture: Path) -> None:
    """Draws the metrics of a run; steps without negative samples are shaded. InputError when there are none."""
    try:
        lines = (run / METRICS).read_text("utf-8").splitlines()
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise InputError(f"{run} holds no {METRICS} that can be read; give the folder of a run") from error
    if not rows:
        raise InputError(f"{run}: no step is finished yet")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    steps = [row["step"] for row in rows]
    panels = ["reward", "entropy", "length"] if "reward" in rows[0] else ["nll"]
    figure, axes = pyplot.subplots(len(panels), 1, figsize=(8, 2.4 * len(panels)), sharex=True, squeeze=False)
    band = json.loads((run / STAGE).read_text("utf-8")).get("aepo") if (run / STAGE).is_file() else None
    for axis, name in zip(axes[:, 0], panels, strict=True):
        axis.set_ylabel(_LABELS.get(name, name))
        axis.plot(steps, [row[name] for row in rows], color="black", linewidth=1.2, label="all")
        if name == "reward" and len(rows[-1]["rewards"]) > 1:
            for task in rows[-1]["rewards"]:
                axis.plot(steps, [row["rewards"].get(task) for row in rows], linewidth=0.8, label=task)
            axis.legend(fontsize="small", ncols=3)
        if name == "entropy":
            off = [not row["negatives"] for row in rows]
            axis.fill_between(
                steps, 0, 1, where=off, step="mid", transform=axis.get_xaxis_transform(), color="0.88",
                label="negatives off",
            )  # fmt: skip
            for bound in band or ():
                axis.axhline(bound, color="tab:red", linewidth=0.8, linestyle="--")
            if any(off):
                axis.legend(fontsize="small")
    axes[-1, 0].set_xlabel("step")
    figure.tight_layout()
    figure.savefig(picture, dpi=120)
    pyplot.close(figure)
