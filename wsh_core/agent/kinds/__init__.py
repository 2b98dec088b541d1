"""The kinds of resource, each a class in a module of its own theme; ``order`` says in which order they are made."""
