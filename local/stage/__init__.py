"""What the stage of `script/faults` runs of the product: workers that start fast, and many small commitments.

Apart from `local.faults`, which imports nothing of the product.
"""
