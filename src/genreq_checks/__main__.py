"""`python -m genreq_checks`."""

from genreq_checks.cli import main

if __name__ == "__main__":
    main()
