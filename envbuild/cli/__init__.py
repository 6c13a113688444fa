"""The command line: one file a command, and the only place of the package that prints.

`main` is the process (signals, exit codes), `group` the list of commands, `display` what a person sees while
a command works.
"""
