"""Its module imports a package that it declares and that nobody installed."""

import hostile_absent_sdk  # noqa: F401
