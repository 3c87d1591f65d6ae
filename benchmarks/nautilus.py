"""The cases, on nautilus_trader. Run as a program with the case and its arguments, it prints one line of JSON."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from importlib.metadata import version

if __name__ == "__main__":
    installed = version("nautilus_trader")
    # The second major version is another library under the same name: other classes, another loop, other clients.
    cases = import_module("nautilus_v1" if installed.startswith("1.") else "nautilus_v2").CASES
    result = cases[sys.argv[1]](*(int(argument) for argument in sys.argv[2:]))
    print(json.dumps({**result, "version": installed}), flush=True)
    os._exit(0)  # its threads are of no more use, and some of them wait a long time for each other
