"""Each safeguard taken out, one at a time, to see which test notices. `script/mutations` runs it."""
