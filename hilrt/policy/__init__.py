"""What acting needs: the actor and where to find a saved one. Control imports this, and nothing of the learner."""
