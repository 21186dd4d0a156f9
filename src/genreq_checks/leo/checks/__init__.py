"""The checks of the application: they are made for plans that take its messages."""
