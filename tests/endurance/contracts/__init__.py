"""Every contract of the demo from its project into Spectrum, as people would do it: over HTTP.

`script/contracts` starts what `script/server` starts, on a throw-away folder, and then signs in as
the people of the demo. It decides nothing past the product's own pages and reads no database: what
was previewed comes from the Accept dialog, what is stored from the simulator.
"""
