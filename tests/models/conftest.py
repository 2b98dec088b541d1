from hypothesis import settings

# How long an example takes depends on what else the machine does; the speed of the loader has its own test.
settings.register_profile("models", deadline=None)
settings.load_profile("models")
