"""Imported only when the standard library is built: compiles every module below /usr to ``__pycache__``."""

import os
import py_compile

for folder, folders, names in os.walk("/usr/lib/python3.14"):
    folders.sort()  # the order decides some bits of the output
    for name in sorted(names):
        if name.endswith(".py"):
            source = os.path.join(folder, name)
            target = os.path.join(folder, "__pycache__", name[:-3] + ".cpython-314.pyc")
            py_compile.compile(
                source, cfile=target, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
            )
