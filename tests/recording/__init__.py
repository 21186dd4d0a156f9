"""The outputs of the program on named database states, written to files, and the comparison of two such recordings.

    PYTHONPATH=tests uv run python -m recording write DIR
    PYTHONPATH=tests uv run python -m recording compare OLD NEW

See docs/tests.md.
"""
