"""The real cameras: a process that reads them, so that whatever they do happens beside the control loop."""
