"""What is else in shared memory, in memory of its own."""

from hilrt.shm.pictures import Pictures


def blank_memory(images):
    """Just as much as the pictures of these cameras need, as their segment begins."""
    memory = memoryview(bytearray(Pictures.nbytes(images)))
    blank = Pictures.blank(images)
    memory[: len(blank)] = blank
    return memory
