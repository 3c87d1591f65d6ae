"""What can be told to the simulator from outside its thread."""
