"""The checks in a team's own test suite: an assertion, and a pytest plugin."""
