"""Stages on many GPUs, inside verl: its engines and workers, our rollouts, rewards, advantages and sampler.

Nothing of the algorithm is written here. What verl would do otherwise is overridden in `trainer.py`, and said why.
"""
