"""Who keeps the processes of an instance alive: systemd, launchd, or (where neither is used) a keeper of our own.

`life` is what verbs call; `choose` finds the manager; each manager is one module with the same few functions.
"""
