"""`python -m kt_models`: see kt_models.cli.main."""

import sys

from kt_models.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
