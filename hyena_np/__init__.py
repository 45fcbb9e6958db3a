"""hyena_np: the Hyena operator in NumPy, and unchanged on GPUs through CuPy, with every gradient by hand.

The public names are listed in ``__init__.pyi`` and load on first use, so that ``import hyena_np`` and
``hyena-np --help`` answer at once.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
