"""Git's formats: objects, trees, commits, tags, references, packs and their indexes."""
