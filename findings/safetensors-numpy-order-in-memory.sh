#!/usr/bin/env bash
# safetensors: a NumPy array that is not in C order is saved with its numbers in other places.

# A good engineer would guess: save_file() of a transposed weight, of PCA components, or of every second row writes the array that was given, or
# refuses it, as safetensors.torch does with tensors that are not contiguous. What happens in 0.8.0: the bytes are taken as they lie in
# memory, under the array's shape. The file opens without an error, has the right shape, type and statistics, and is another matrix; of
# strided rows it also holds numbers that were not saved. 0.7.0 wrote what was given.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
cat > "$work/look.py" <<'PY'
import sys

import numpy as np
import safetensors
from safetensors.numpy import load, save

weights = np.arange(6, dtype=np.float32).reshape(2, 3)
arrays = {"transposed": weights.T, "Fortran order": np.asfortranarray(weights), "every second row": np.arange(12, dtype=np.float32).reshape(4, 3)[::2]}
back = load(save(arrays))
same = {name: bool(np.array_equal(back[name], array)) for name, array in arrays.items()}
print("safetensors", safetensors.__version__)
print("guess: all arrays come back as they were; seen:", same)
print("       ", weights.T.tolist(), "came back as", back["transposed"].tolist())
assert set(same.values()) == {sys.argv[1] == "same"}, same
PY
"$work/venv/bin/pip" install --quiet --disable-pip-version-check safetensors==0.7.0 numpy==2.2.6
"$work/venv/bin/python" "$work/look.py" same
"$work/venv/bin/pip" install --quiet --disable-pip-version-check safetensors==0.8.0
"$work/venv/bin/python" "$work/look.py" other
