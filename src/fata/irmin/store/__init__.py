"""A store: a tree that has a history, seen through a branch, a commit, or nothing yet."""
