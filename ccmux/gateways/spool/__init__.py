"""The gateway's own journal: what was heard until the instance has it, what is to be said until the service has it."""
