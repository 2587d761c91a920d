"""A run: the shape of a job, its folder on disk, its shared memory, its claim to the processor."""
