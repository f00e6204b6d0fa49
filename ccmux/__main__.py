"""`python -m ccmux` is the same program as the `ccmux` command."""

from ccmux.cli.main import main

if __name__ == "__main__":
    main()
