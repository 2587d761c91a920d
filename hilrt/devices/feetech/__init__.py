"""Feetech servos on a serial bus: packets, registers, the bus itself."""
