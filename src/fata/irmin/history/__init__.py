"""Walking histories: common ancestors, who changed a path last, pictures."""
