"""Reading long text: Longread's strategies beside other ways to do it, over one stub of a model that all share."""
