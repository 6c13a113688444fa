"""The rules, one file each: `ebNNN_name.py` with one subclass of BaseRule. They are found by listing this folder."""
