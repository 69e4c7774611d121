"""Vectors of the bundled embedding's units by the company that they keep in raw text.

The vectors of words that mean alike are alike here, while the embedding's, which were trained to find passages, are so
only where words share syllables. models/training/company_vectors.py counts them.
"""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from rag.embedding import StaticEmbedder
from rag.errors import ModelError
from rag.relevance.units import IntVector
from rag.types import FloatMatrix

COMPANY_FILE = "company.safetensors"


class CompanyVectors:
    """Each unit's vector by the company that it keeps, behind the embedding's own."""

    def __init__(self, folder: Path, embedder: StaticEmbedder) -> None:
        """Load them.

        Raises:
            ModelError: there are none in the folder, or they are not for this embedding's units.
        """
        try:
            stored = load_file(folder / COMPANY_FILE)
            self._rows, self._scales = stored["rows"], stored["scales"].astype(np.float32)
            if len(self._rows) != embedder.size:
                raise ValueError(f"{len(self._rows)} units instead of {embedder.size}")
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ModelError(
                f"{folder} holds no vectors by company ({error}): run models/training/company_vectors.py"
            ) from error
        self.embedder = embedder

    def __call__(self, ids: IntVector) -> FloatMatrix:
        """The vectors of units, shape (len(ids), dimension of the embedding + own dimension)."""
        own = self._rows[ids].astype(np.float32) * self._scales[ids][:, None]
        return np.concatenate([self.embedder.unit_vectors(ids), own], axis=1)
