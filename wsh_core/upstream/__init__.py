"""What the makers of applications publish: found, fetched, verified, and written where the operator owns it.

Nothing here speaks to a server of ours, and nothing that is fetched is executed, unpacked or kept.
"""
