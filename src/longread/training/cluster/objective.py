"""Our loss by the name that verl knows it by."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from verl.trainer.ppo.core_algos import register_policy_loss

from longread.training.cluster.config import NAME
from longread.training.loss import policy_loss


@register_policy_loss(NAME)
def objective(
    old_log_prob: Tensor,
    log_prob: Tensor,
    advantages: Tensor,
    response_mask: Tensor,
    loss_agg_mode: str,
    config: Any,
    rollout_is_weights: Tensor | None = None,
) -> tuple[Tensor, dict[str, Any]]:
    """-J over the tokens of some rows, padded on the right: all shapes are (B, T).

    `advantages` are weights that hold the loss's denominators already, so that parts add up to the whole. verl
    averages gradients over its ranks, whence the factor.
    """
    several = config.ppo_epochs > 1
    loss = policy_loss(
        log_prob[response_mask],
        (old_log_prob if several else log_prob)[response_mask],
        advantages[response_mask].to(log_prob.dtype),
        (config.clip_ratio_low, config.clip_ratio_high) if several else None,
    )
    return loss * config.global_batch_info["dp_size"], {}
