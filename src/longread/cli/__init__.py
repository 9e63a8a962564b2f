"""The command line: one module a command, imports deferred."""
