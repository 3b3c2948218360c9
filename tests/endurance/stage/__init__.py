"""What the stage of `script/faults` runs of the product: workers that start fast, and many small commitments.

Apart from `tests.endurance.faults`, which imports nothing of the product.
"""
