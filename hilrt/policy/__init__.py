"""What acting needs: the actor, and where to find a saved one. Control imports nothing of the learner."""
