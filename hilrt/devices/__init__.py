"""Everything on a wire: one protocol per kind of device, drivers behind it."""
