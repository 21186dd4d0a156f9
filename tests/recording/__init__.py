"""What the program says on named database states, written to files, and two such recordings compared.

    PYTHONPATH=tests uv run python -m recording write DIR
    PYTHONPATH=tests uv run python -m recording compare OLD NEW

See docs/tests.md.
"""
