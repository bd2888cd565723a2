"""What developers run (`python3 -m tools --help`), and the Python that the other folders share.

It imports no other folder of this repository.
"""

import sys

# Here, because every command imports this package first.
if sys.version_info < (3, 10):
    sys.exit(
        "Python 3.10 or later is needed, this is %s. Name another one: make PYTHON=python3.12 ..."
        % sys.version.split()[0]
    )
