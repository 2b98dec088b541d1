"""The words a plugin speaks, checked when they are made. Authors import them from ``wsh_core.plugin``."""
