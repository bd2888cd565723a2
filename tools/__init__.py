"""What developers run: `python3 -m tools --help`.

Checks of the template, the workflows, the bills of materials and the images, tests of the APIs' description and of the page;
and the Python that the other rooms share. It imports no other room of this repository.
"""

import sys

# Here, because every room imports this one first.
if sys.version_info < (3, 10):
    sys.exit(
        "Python 3.10 or later is needed, this is %s. Name another one: make PYTHON=python3.12 ..."
        % sys.version.split()[0]
    )
