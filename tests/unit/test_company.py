"""The vectors of words by the company that they keep."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from rag.errors import ModelError
from rag.relevance.company import COMPANY_FILE, CompanyVectors
from rag.relevance.matching import Matcher


def test_words_of_like_meaning_keep_like_company(vectors: CompanyVectors, matcher: Matcher) -> None:
    words = ("Hà Nội", "Đà Nẵng", "học phí")
    own = vectors(np.array([matcher.embedder.units(word)[0][0] for word in words]))[
        :, matcher.embedder.unit_vectors([0]).shape[1] :
    ]
    city, other_city, fee = own / np.linalg.norm(own, axis=1, keepdims=True)
    assert city @ other_city > 0.5 > city @ fee


def test_each_vector_stands_behind_the_embeddings_own(vectors: CompanyVectors, matcher: Matcher) -> None:
    ids = np.array([5, 7, 5])
    own = matcher.embedder.unit_vectors(ids)
    told = vectors(ids)
    assert told.shape[1] > own.shape[1]
    assert np.array_equal(told[:, : own.shape[1]], own)
    assert np.array_equal(told[0], told[2])
    assert vectors(np.array([], dtype=np.int64)).shape == (0, told.shape[1])


def test_a_folder_without_them_or_with_those_of_other_units_is_refused(matcher: Matcher, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no vectors by company"):
        CompanyVectors(tmp_path, matcher.embedder)
    (tmp_path / COMPANY_FILE).write_bytes(b"no tensors")
    with pytest.raises(ModelError, match="holds no vectors by company"):
        CompanyVectors(tmp_path, matcher.embedder)
    rows, scales = np.zeros((3, 4), dtype=np.int8), np.ones(3, dtype=np.float16)
    save_file({"rows": rows, "scales": scales}, str(tmp_path / COMPANY_FILE))
    with pytest.raises(ModelError, match="3 units instead of"):
        CompanyVectors(tmp_path, matcher.embedder)
