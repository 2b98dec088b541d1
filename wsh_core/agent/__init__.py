"""The code that runs on a server, as root: standard library only, and nothing of the rest of wsh.

It is sent as one zip application named by its hash; the controller imports only ``paths`` and ``protocol`` from here.
"""
