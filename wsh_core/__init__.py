"""wsh: shared hosting that is safe between strangers, from YAML that people can read."""
