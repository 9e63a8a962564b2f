"""What Longbook asks, a module for each family of tasks."""
