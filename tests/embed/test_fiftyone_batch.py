"""One unreadable file: FiftyOne's own embedding loses the batch it is in, ours the one image."""

from __future__ import annotations

import numpy as np
import pytest
import torch

fo = pytest.importorskip("fiftyone")


def test_one_unreadable_file_costs_fiftyone_a_batch_and_us_an_image(encoder, photos, tmp_path):
    import open_clip
    from fiftyone.utils.torch import TorchImageModel, TorchImageModelConfig

    class Same(TorchImageModel):
        """The same tower behind FiftyOne's own model class."""

        def _load_model(self, config):
            return encoder._backend.model.visual

        def _build_transforms(self, config):
            return open_clip.image_transform(64, is_train=False), False

        @property
        def has_embeddings(self):
            return True

        def embed_all(self, images):
            with torch.no_grad():
                return self._model(torch.stack(list(images))).numpy()

    bad = tmp_path / "bad.jpg"
    bad.write_bytes(photos[0].read_bytes()[:300])
    files = [*photos[:5], bad, *photos[5:11]]
    dataset = fo.Dataset()
    try:
        dataset.add_samples([fo.Sample(filepath=str(f)) for f in files])
        model = Same(TorchImageModelConfig({"entrypoint_fcn": "fiftyone.utils.torch.load_torch_hub_raw_model"}))
        theirs = dataset.compute_embeddings(model, batch_size=4, num_workers=0, skip_failures=True)
    finally:
        dataset.delete()
    ours = encoder.encode_images(files, batch_size=4)
    assert list(ours.failures) == [5]
    assert np.isfinite(np.delete(ours.vectors, 5, axis=0)).all()
    lost = [i for i, vector in enumerate(theirs) if vector is None]
    assert lost == [4, 5, 6, 7]
