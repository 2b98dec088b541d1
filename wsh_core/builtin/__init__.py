"""The apps that are always there. They are plugins like any other, only they come with the core."""
