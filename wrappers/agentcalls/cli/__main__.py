"""`python -m agentcalls.cli`, if the script is not on PATH."""

import sys

from agentcalls.cli import main

sys.exit(main())
