"""In which order chunks are read, and against which notes."""
