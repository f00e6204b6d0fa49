"""LIVES: the daemon of one instance. `run` opens everything, `driver` is where decisions meet hands."""
