"""What people look at: the terminal screen and TensorBoard."""
