"""A stand-in for Viewpoint Spectrum's data exchange, in a process of its own.

It speaks the published interface: SOAP over HTTP, one record per call, no transaction
across calls. It keeps its own database and imports no product code, so that a mistake
of the adapter can't be repeated here and cancel itself out. What Spectrum does in places
that no public page describes is a guess, first of all its reply to a successful Put.
"""
