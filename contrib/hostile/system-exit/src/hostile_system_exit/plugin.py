"""Its module ends the process."""

import sys

sys.exit("this script is not meant to be imported")
