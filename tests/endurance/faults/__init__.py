"""`script/faults`: the real processes are broken while people work, and a judge looks what came of it.

Nothing here imports the product: people speak HTTP, the judge reads Spectrum's records and calls and
the caught mails.
"""
