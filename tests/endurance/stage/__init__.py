"""The product on the stage of `script/faults`: workers that start fast, and many small commitments.

Apart from `tests.endurance.faults`, which imports nothing of the product.
"""
