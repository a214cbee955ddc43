"""The one array type of the house."""

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  # [n, dimensions], or [dimensions] for a single one
