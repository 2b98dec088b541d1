"""From a description to what is asked of a server, and from its answer to what is told. Pure."""
