"""Reinforcement learning beside TRL."""
