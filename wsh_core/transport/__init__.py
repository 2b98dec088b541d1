"""The way to a server: setting it up, and carrying requests to its agent and events back.

`ansible_runner` takes a tenth of a second to import, so only the functions that use it do.
"""
