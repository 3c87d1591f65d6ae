"""The command line, `ml4t-live`: one module a command, imported when the command is typed."""
