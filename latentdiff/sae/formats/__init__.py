"""Published checkpoints of sparse autoencoders: files to tensors, and tensors to the one equation.

What is affine in a format (centring, scaling, where the decoder's bias is subtracted, a gate that shares its weights) folds into the
weights without changing a code; only a normalisation of each row by itself, and a top-k within each row, stay as they are.
"""
