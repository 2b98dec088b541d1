"""What plugins are tested with: apps to be installed for real, and the checks that every app must pass."""
