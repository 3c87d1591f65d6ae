"""Its module imports a package that it never declared."""

import hostile_absent_sdk  # noqa: F401
