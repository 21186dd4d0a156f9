"""The command line of the recording: `python -m recording write DIR`, `compare OLD NEW` and `files DIR`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from genreq_checks.embedded import start
from recording.compare import compare, load_intended
from recording.files import write_files
from recording.states import STATES
from recording.write import write


def main() -> int:
    """Record, or compare two recordings; 1 when answers differ that are not intended."""
    parser = argparse.ArgumentParser(prog="python -m recording", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    recorder = commands.add_parser("write", help="record what the program says into a new folder")
    recorder.add_argument("folder", type=Path)
    recorder.add_argument(
        "--state",
        action="append",
        choices=[one.name for one in STATES],
        metavar="NAME",
        help="only this state; repeatable",
    )
    keeper = commands.add_parser("files", help="write a snapshot, an archive and so on, to be read for ever, into DIR")
    keeper.add_argument("folder", type=Path)
    comparer = commands.add_parser("compare", help="print what differs between two recordings")
    comparer.add_argument("old", type=Path)
    comparer.add_argument("new", type=Path)
    comparer.add_argument("--answers", action="store_true", help="only the answers, not the wording")
    given = parser.parse_args()
    if given.command == "compare":
        for folder in (given.old, given.new):
            if not any(folder.glob("*/*.call")):
                parser.error(f"{folder} holds no recording")
        found = compare(given.old, given.new, load_intended())
        print("\n".join(found.lines(wording=not given.answers)))
        return int(found.failed)
    if given.folder.exists():
        parser.error(f"{given.folder} is there already")
    with start() as server:
        if given.command == "files":
            write_files(server, given.folder)
        else:
            write(server, [one for one in STATES if one.name in (given.state or [one.name])], given.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
