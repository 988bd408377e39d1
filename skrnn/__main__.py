"""The command line: ``python -m skrnn warmup``."""

import argparse

from skrnn.compilation import CELLS, DTYPES, warmup


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m skrnn")
    commands = parser.add_subparsers(metavar="command", required=True)
    command = commands.add_parser(
        "warmup",
        help="compile the kernels now",
        description="Compile the kernels now, so that no later process has to.",
    )
    command.add_argument("--cells", nargs="+", choices=CELLS, default=CELLS)
    command.add_argument("--dtypes", nargs="+", choices=DTYPES, default=DTYPES)
    given = parser.parse_args(arguments)
    warmup(given.cells, given.dtypes, verbose=True)


if __name__ == "__main__":
    main()
