"""`python -m monitor` is the command `liftwatch`."""

from monitor.cli import main

main()
