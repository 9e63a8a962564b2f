"""What verl imports in each of its processes, by `VERL_USE_EXTERNAL_MODULES`, so that it knows our parts by name."""

from longread.training.cluster import objective, reading, trainer

__all__ = ["objective", "reading", "trainer"]
