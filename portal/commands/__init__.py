"""What `portal VERB` does, a file for each verb."""
