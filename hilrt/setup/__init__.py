"""Setting up an arm, in the order of the work: ports, motors, calibration, limits, cameras, doctor."""
