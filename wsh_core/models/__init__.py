"""What people describe: the types of values, the models made of them, and the files they are read from.

Read top down: `types`, `organisation`, `server`, `account`, `site`, then `load`. Nothing is imported here,
because `source` (YAML without pydantic) serves shell completion, which has 200 ms.
"""
