"""Documents to verified samples: questions whose answers are executed plans over evidence with exact spans."""
