"""What a step is: names and shapes, the record, how two sets of them differ, where an arm has been."""
